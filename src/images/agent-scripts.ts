/** Finds guest/agent of this installation, whether it runs from sources or from dist. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assert } from '../base/errors.ts';
import { AGENT_SCRIPTS, type AgentScripts, PLAN_LOADER } from './initramfs.ts';

/** The scripts that go into every Debian image, and the program that they use. */
export async function readAgentScripts(): Promise<AgentScripts> {
  const folder = findFolder();
  const scripts = new Map<string, Uint8Array>();
  for (const name of AGENT_SCRIPTS) scripts.set(name, new Uint8Array(await readFile(join(folder, name))));
  scripts.set(PLAN_LOADER, new Uint8Array(await readFile(join(folder, '..', 'prebuilt', 'plan-loader'))));
  return scripts;
}

function findFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'guest', 'agent', 'init'))) {
    const parent = dirname(folder);
    assert(parent !== folder, 'guest/agent is part of the installation');
    folder = parent;
  }
  return join(folder, 'guest', 'agent');
}
