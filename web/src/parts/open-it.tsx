/** Shows the commands that fetch, check and open a vmcore, by its format and image. */

import type { JSX } from 'preact';
import { type Capture, type ImageView, vmcoreUrl } from '../model/api.ts';
import { session } from '../model/session.ts';
import { images } from '../model/state.ts';
import { Copyable } from './common.tsx';

type CommandLine = { readonly name: string; readonly text: string };

export function OpenIt({ capture }: { readonly capture: Capture }): JSX.Element | null {
  const { vmcore } = capture;
  if (vmcore === null) return null;
  const all = images.value.kind === 'ready' ? images.value.value : [];
  const image = all.find(({ name }) => name === capture.image);
  const file = vmcore.incomplete === true ? 'vmcore-incomplete' : 'vmcore';
  const credentials = session.value?.keyNeeded === true ? '-H "Authorization: Bearer $KDUMPD_KEY" ' : '';
  const commands: readonly CommandLine[] = [
    { name: 'sha256', text: vmcore.sha256 },
    { name: 'download', text: `curl -fOJ ${credentials}${location.origin}${vmcoreUrl(capture.id)}` },
    { name: 'check', text: `echo "${vmcore.sha256}  ${file}" | sha256sum -c` },
    ...toolsFor(vmcore.format, file, capture.image, image?.kind),
  ];
  return (
    <section class="panel" aria-labelledby="open-title">
      <div class="panel-head">
        <h2 id="open-title">Open it</h2>
      </div>
      <dl class="commands">
        {commands.map(({ name, text }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Copyable text={text} label={name} />
            </dd>
          </div>
        ))}
      </dl>
      <p class="faint">{hintFor(vmcore.format, image)}</p>
    </section>
  );
}

type Format = NonNullable<Capture['vmcore']>['format'];

/** Paths of symbols are relative to the folder that the daemon was started in. */
function toolsFor(
  format: Format,
  file: string,
  image: string,
  kind: ImageView['kind'] | undefined,
): CommandLine[] {
  const builtIn = kind === 'built-in';
  const symbols = builtIn ? 'guest/prebuilt/kernel.elf' : `data/images/${image}/vmlinux`;
  const dwarf = `data/images/${image}-debug/vmlinux.debug`;
  switch (format) {
    case 'elf':
      return [
        { name: 'notes and segments', text: `readelf -ln ${file}` },
        { name: 'gdb', text: `gdb-multiarch -batch -ex 'thread apply all bt' ${symbols} ${file}` },
        ...(builtIn ? [] : [{ name: 'drgn', text: `drgn -c ${file} -s ${dwarf}` }]),
      ];
    case 'flattened':
      return [
        { name: 'rearrange', text: `makedumpfile -R dump < ${file}` },
        { name: 'drgn', text: `drgn -c dump -s ${dwarf}` },
        { name: 'kernel log', text: 'makedumpfile --dump-dmesg dump dmesg.txt' },
      ];
    case 'kdump-compressed':
      return [
        { name: 'drgn', text: `drgn -c ${file} -s ${dwarf}` },
        { name: 'kernel log', text: `makedumpfile --dump-dmesg ${file} dmesg.txt` },
      ];
  }
}

function hintFor(format: Format, image: ImageView | undefined): string {
  if (image?.kind === 'built-in') return 'The symbols of the built-in guest come with the program.';
  const release = image?.kernelRelease ?? 'RELEASE';
  const symbols = `drgn needs a kernel with DWARF: image import with --debuginfo, or the package linux-image-${release}-dbg`;
  return format === 'elf' ? `${symbols}.` : `${symbols}; gdb reads ELF dumps alone.`;
}
