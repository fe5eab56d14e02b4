/**
 * Programs read the typed fields of events. Words for people are rendered in one file, and those of traces of version 1 are
 * understood in another one: nowhere else does a program compare them.
 */

import { join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const ALLOWED: readonly string[] = ['src/panic/trace/words.ts', 'src/panic/trace/version-1.ts'];

/** What an event has, of whatever version, in the machine and in a trace. */
const FIELDS_OF_EVENT = ['n', 'cpu', 'insn', 'tb', 'kind'] as const;
const WORDS_OF_EVENT: readonly string[] = ['detail', 'text'];

/** Words by which version 1 named places, calls and instants. */
const WORDS: readonly RegExp[] = [
  /^(low 0x100|run at load|boot cpu|head of the kernel|above the vectors)$/,
  /^note of cpu /,
  /^segment (kernel|purgatory|tree|initrd|elfcorehdr|backup|data)$/,
  /^copy of (kernel|purgatory|tree|initrd|elfcorehdr|backup|data)$/,
  /^(crash kernel|at address 0): /,
  /^(first|last) write$/,
  /^kexec_load result$/,
  /^system reset from outside$/,
];
/** Methods by which a text is compared. */
const COMPARING: readonly string[] = [
  'includes',
  'startsWith',
  'endsWith',
  'indexOf',
  'match',
  'search',
  'test',
  'exec',
  'get',
  'has',
  'localeCompare',
];
const EQUALITIES: readonly ts.SyntaxKind[] = [
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
];

type Found = { readonly where: string; readonly what: string };

/** @param files beside those of the configuration, which exist for the compiler alone */
function programOf(config: string, files: ReadonlyMap<string, string> = new Map()): ts.Program {
  const path = join(ROOT, config);
  const read = ts.readConfigFile(path, (each) => ts.sys.readFile(each));
  const parsed = ts.parseJsonConfigFileContent(read.config, ts.sys, join(path, '..'));
  const options: ts.CompilerOptions = { ...parsed.options, noEmit: true };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (each) => files.has(each) || fileExists.call(host, each);
  host.readFile = (each) => files.get(each) ?? readFile.call(host, each);
  host.getSourceFile = (each, target, ...rest) => {
    const text = files.get(each);
    return text === undefined
      ? getSourceFile.call(host, each, target, ...rest)
      : ts.createSourceFile(each, text, target, true);
  };
  const own = parsed.fileNames.filter((each) => /^(src|web\/src)\//.test(relative(ROOT, each)));
  return ts.createProgram({ rootNames: files.size > 0 ? [...files.keys()] : own, options, host });
}

function check(program: ts.Program): readonly Found[] {
  const checker = program.getTypeChecker();
  return program.getSourceFiles().flatMap((file) => {
    const path = relative(ROOT, file.fileName);
    if (!/^(src|web\/src)\//.test(path) || ALLOWED.includes(path)) return [];
    const found: Found[] = [];
    const visit = (node: ts.Node): void => {
      const what = wordIn(node, checker) ?? comparedIn(node, checker);
      if (what !== undefined) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
        found.push({ where: `${path}:${line + 1}`, what });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
  });
}

/** A literal that is a word of version 1. */
function wordIn(node: ts.Node, checker: ts.TypeChecker): string | undefined {
  if (ts.isStringLiteralLike(node))
    return WORDS.some((word) => word.test(node.text)) ? `'${node.text}'` : undefined;
  if (ts.isTemplateExpression(node)) {
    // `segment ${role}` is such a word; the number of a segment, or a sentence about one, is not.
    const [only, ...more] = node.templateSpans;
    const isNumber =
      only !== undefined &&
      (checker.getTypeAtLocation(only.expression).flags & ts.TypeFlags.NumberLike) !== 0;
    const text = `${node.head.text}${isNumber ? 0 : 'kernel'}`;
    if (more.length === 0 && only?.literal.text === '' && WORDS.some((word) => word.test(text)))
      return `\`${node.head.text}…\``;
  }
  // `{ detail: 'entry' }`
  if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === 'detail')
    if (ts.isStringLiteralLike(node.initializer) && node.initializer.text === 'entry')
      return "detail: 'entry'";
  return undefined;
}

/** An event's words as one side of a comparison, the subject of a switch, or what a text is looked up or searched by. */
function comparedIn(node: ts.Node, checker: ts.TypeChecker): string | undefined {
  const isWords = (side: ts.Node): boolean => isWordsOfEvent(side, checker);
  const shown = (side: ts.Node): string => `compares ${side.getText()}`;
  if (ts.isBinaryExpression(node) && EQUALITIES.includes(node.operatorToken.kind)) {
    // Whether there are words at all is no question of which they are.
    if ([node.left, node.right].some((side) => ts.isStringLiteralLike(side) && side.text === ''))
      return undefined;
    const side = [node.left, node.right].find(isWords);
    return side === undefined ? undefined : shown(side);
  }
  if (ts.isSwitchStatement(node) && isWords(node.expression)) return shown(node.expression);
  if (ts.isElementAccessExpression(node) && isWords(node.argumentExpression))
    return shown(node.argumentExpression);
  if (
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    COMPARING.includes(node.expression.name.text)
  ) {
    const side = [node.expression.expression, ...node.arguments].find(isWords);
    return side === undefined ? undefined : shown(side);
  }
  return undefined;
}

/** `event.text`, `event?.detail ?? ''`, or a name that was taken from an event by a pattern. */
function isWordsOfEvent(node: ts.Node, checker: ts.TypeChecker): boolean {
  if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node) || ts.isAsExpression(node))
    return isWordsOfEvent(node.expression, checker);
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken)
    return isWordsOfEvent(node.left, checker);
  if (ts.isPropertyAccessExpression(node))
    return (
      WORDS_OF_EVENT.includes(node.name.text) && isEvent(checker.getTypeAtLocation(node.expression), checker)
    );
  if (!ts.isIdentifier(node)) return false;
  const declared = checker.getSymbolAtLocation(node)?.valueDeclaration;
  if (declared === undefined) return false;
  if (ts.isBindingElement(declared)) {
    const name = declared.propertyName ?? declared.name;
    return (
      ts.isIdentifier(name) &&
      WORDS_OF_EVENT.includes(name.text) &&
      isEvent(checker.getTypeAtLocation(declared.parent), checker)
    );
  }
  return (
    ts.isVariableDeclaration(declared) &&
    declared.initializer !== undefined &&
    isWordsOfEvent(declared.initializer, checker)
  );
}

function isEvent(type: ts.Type, checker: ts.TypeChecker): boolean {
  const parts = type.isUnion() ? type.types : [type];
  return parts.some((part) =>
    FIELDS_OF_EVENT.every((field) => checker.getPropertyOfType(part, field) !== undefined),
  );
}

/** What is found in a part of the repository that has at least so many files. */
function found(config: string, atLeast: number): readonly Found[] {
  const program = programOf(config);
  expect(program.getRootFileNames().length).toBeGreaterThan(atLeast);
  return check(program);
}

/** What is found in a file of these lines, which lies beside the rules. */
function foundIn(...lines: readonly string[]): readonly string[] {
  const path = join(ROOT, 'src/panic/rules/not-there.ts');
  const text = [
    "import type { TraceEvent } from '../trace/index.ts';",
    "import type { EventV1 } from '../trace/version-1.ts';",
    'declare const event: TraceEvent;',
    'declare const old: EventV1;',
    'declare const refusal: { readonly text: string; readonly detail: string };',
    ...lines,
    'void [event, old, refusal];',
  ].join('\n');
  return check(programOf('tsconfig.json', new Map([[path, text]])))
    .filter(({ where }) => where.startsWith('src/panic/rules/not-there.ts'))
    .map(({ what }) => what);
}

describe('words of events', { timeout: 200_000 }, () => {
  it('nothing in src compares them, or has those of version 1', () => {
    expect(found('tsconfig.json', 200)).toEqual([]);
  });

  it('nothing in the page does', () => {
    expect(found('web/tsconfig.json', 20)).toEqual([]);
  });

  it('the check finds each way to compare them', () => {
    expect(
      foundIn(
        "void (event.text === 'entry of the image');",
        "switch (old.detail) { case 'x': break; default: }",
        "void ('x' !== (event.text ?? ''));",
        "void event.text.startsWith('x');",
        'void /x/.test(event.text);',
        'const { text, detail: renamed } = { ...event, ...old };',
        "void (text === 'x'); void (renamed === 'x');",
        "const words = event.text; void (words === 'x');",
        'void new Map<string, number>().get(event.text);',
      ),
    ).toEqual([
      'compares event.text',
      'compares old.detail',
      "compares (event.text ?? '')",
      'compares event.text',
      'compares event.text',
      'compares text',
      'compares renamed',
      'compares words',
      'compares event.text',
    ]);
  });

  it('… and each word of version 1', () => {
    expect(
      foundIn(
        "void { detail: 'entry' };",
        "void ['low 0x100', 'run at load', 'note of cpu 1', 'segment kernel', 'copy of tree', 'crash kernel: panic'];",
        "void ['at address 0: start_kernel', 'head of the kernel', 'above the vectors', 'first write', 'last write'];",
        "void ['kexec_load result', 'system reset from outside', 'boot cpu'];",
        `void [\`segment \${refusal.text}\`, \`note of cpu \${1}\`];`,
      ),
    ).toHaveLength(17);
  });

  it('what is not an event’s, and what is only shown, is left alone', () => {
    expect(
      foundIn(
        "void (refusal.text === 'x'); void (refusal.detail === 'x');",
        `void \`\${event.text} on CPU \${event.cpu}\`;`,
        "void (event.text === '' ? undefined : event.text);",
        "void ['entry', 'low', 'segment', 'a segment kernel and more'];",
        `void [\`segment \${1}\`, \`segment \${refusal.text} of \${2}\`];`,
      ),
    ).toEqual([]);
  });
});
