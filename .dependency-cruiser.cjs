/**
 * Who may import whom (ARCHITECTURE.md): base ← { emulator, crashkernel, vmcore } ← panic ← images ← server ← cli.
 * Type imports count. Run it by `npm run imports`, which also checks that every module was seen, and that neither files
 * nor folders import each other in a circle (scripts/lib/circles.mjs).
 */

/** Matches a package and its types, installed or not. */
const package_ = (names) => `(^|node_modules/(@types/)?)(${names})(/|$)`;

/** A layer of src/ and the only other areas of src/ that it may import. */
const layer = (area, allowed, comment) => ({
  name: `layer-${area}`,
  severity: 'error',
  comment,
  from: { path: `^src/${area}/` },
  to: { path: '^src/', pathNot: `^src/(${[area, ...allowed].join('|')})/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    layer('base', [], 'base is everybody’s ground: whatever it imported would be under everything'),
    layer(
      'emulator',
      ['base'],
      'the machine knows nothing of dumps or kexec: whatever it runs, it runs as a machine',
    ),
    layer(
      'crashkernel',
      ['base'],
      'loading a crash kernel is work on bytes and must be testable without a machine or a dump',
    ),
    layer(
      'vmcore',
      ['base'],
      'dumps come from anywhere: reading one must not need the machine that wrote it',
    ),
    layer(
      'panic',
      ['base', 'emulator', 'crashkernel', 'vmcore'],
      'panic brings machine, crash kernel and dump together; it runs under the service as well as without it',
    ),
    layer(
      'images',
      ['base', 'emulator', 'crashkernel', 'vmcore', 'panic'],
      'importing and keeping images needs no HTTP: the command line does it without a daemon',
    ),
    {
      name: 'only-cli-imports-server',
      severity: 'error',
      comment: 'the server is one user of the rest; the command line starts it',
      from: { path: '^src/', pathNot: '^src/(server|cli)/' },
      to: { path: '^src/server/' },
    },
    {
      name: 'nothing-imports-cli',
      severity: 'error',
      comment: 'the command line turns words into calls: a caller of one uses what it calls',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'wasm-imports-nothing-of-ours',
      severity: 'error',
      comment: 'the encoder knows WebAssembly alone: it stays correct whatever happens to Power',
      from: { path: '^src/emulator/wasm/' },
      to: { path: '^src/', pathNot: '^src/emulator/wasm/' },
    },
    {
      name: 'isa-knows-no-meaning',
      severity: 'error',
      comment: 'the tables say what an instruction looks like; what it does is written once, on top of them',
      from: { path: '^src/emulator/isa/' },
      to: { path: '^src/emulator/(semantics|cpu)/' },
    },
    {
      name: 'devices-see-no-cpu',
      severity: 'error',
      comment: 'a device sees guest memory, an interrupt line and the clock, as hardware does',
      from: { path: '^src/emulator/devices/' },
      to: { path: '^src/emulator/(cpu|mmu|engine)/' },
    },
    {
      name: 'format-does-no-io',
      severity: 'error',
      comment: 'formats work on bytes that they are given, so that a dump may be a file, a store or a stream',
      from: { path: '^src/vmcore/format/' },
      to: {
        path: [
          '^(node:)?(fs|net|http|https|http2|tls|dgram|dns|child_process|worker_threads|cluster|readline|process)(/|$)',
          package_('better-sqlite3'),
        ],
        reachable: true,
      },
    },
    {
      name: 'fastify-in-server-only',
      severity: 'error',
      comment: 'HTTP is one way in; what the product does is callable without it',
      from: { path: '^src/', pathNot: '^src/server/' },
      to: { path: package_('fastify|fastify-[^/]+|@fastify/[^/]+') },
    },
    {
      name: 'sqlite-in-stores-only',
      severity: 'error',
      comment: 'a second store behind the same seam must be possible: SQL stays in folders named store',
      from: { path: '^src/', pathNot: '/store/' },
      to: { path: package_('better-sqlite3') },
    },
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'files that import each other in a circle can be neither read nor tested one at a time',
      from: { path: '^(src|web)/' },
      to: { circular: true },
    },
    {
      name: 'src-never-imports-test',
      severity: 'error',
      comment: 'what ships must not need what tests it',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'an import that the checker cannot follow is one that no rule above sees',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // The project has ES modules alone; a function of ours named require imports nothing.
    moduleSystems: ['es6'],
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
  },
};
