/** Reads a loaded image in a thread of its own: its segments are as large, and hold, what the guest likes (reading/). */

import { serveReadings } from '../reading/index.ts';
import type { AtEntryFacts } from '../trace/index.ts';
import { readAtEntryFacts } from './entry-facts.ts';
import type { ImageReading } from './image-apart.ts';
import { describeImage, type KexecImage } from './kexec-image.ts';

serveReadings<ImageReading, KexecImage | AtEntryFacts>(async ({ readMemory }, reading) =>
  reading.kind === 'describe'
    ? await describeImage(reading.load, readMemory, reading.cpus)
    : await readAtEntryFacts(reading.image, readMemory),
);
