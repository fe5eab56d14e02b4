/** A client of bytes: sends requests that no library would send, and reads every answer to its end. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type WireAnswer = {
  readonly status: number;
  readonly version: string;
  readonly fields: ReadonlyMap<string, string>;
  /** Undefined: a stream of events, of which only the beginning was read. */
  readonly body: Buffer | undefined;
};

/** What is no HTTP in the bytes of an answer. */
export class AnswerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AnswerError';
  }
}

type Step = { readonly answer: WireAnswer; readonly end: number; readonly isLast: boolean };

/** Connections, one request after another on each. */
export class Connection {
  readonly #port: number;
  readonly #patienceMs: number;
  #socket: Socket | undefined;

  constructor(port: number, patienceMs: number) {
    this.#port = port;
    this.#patienceMs = patienceMs;
  }

  /** Sends one request and reads its answer. The connection is kept where both sides keep it. @throws AnswerError */
  async ask(bytes: Buffer, isHead: boolean): Promise<WireAnswer> {
    const kept = this.#socket;
    const socket = kept !== undefined && !kept.destroyed && kept.writable ? kept : await this.#open();
    this.#socket = undefined;
    socket.write(bytes);
    const step = await this.#read(socket, (got, isOver) => readAnswer(got, isHead, isOver));
    if (step === undefined) throw new AnswerError('the connection was closed without an answer');
    if (step.isLast || step.answer.body === undefined) socket.destroy();
    else this.#socket = socket;
    return step.answer;
  }

  /** Sends bytes and the end of all, and reads every answer until the service ends. @throws AnswerError */
  async send(bytes: Buffer): Promise<readonly WireAnswer[]> {
    const socket = await this.#open();
    socket.end(bytes);
    const answers: WireAnswer[] = [];
    let at = 0;
    await this.#read(socket, (got, isOver) => {
      for (;;) {
        if (at === got.length) return isOver ? true : undefined;
        const step = readAnswer(got.subarray(at), false, isOver);
        if (step === undefined) return isOver ? true : undefined;
        answers.push(step.answer);
        at += step.end;
        // Streams do not end by themselves.
        if (step.answer.body === undefined) return true;
      }
    });
    socket.destroy();
    return answers;
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #open(): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.setNoDelay(true);
    // What breaks shows in what is read.
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  /** Gathers bytes until `take` has what it wants. @returns undefined where the service ended before */
  #read<T>(socket: Socket, take: (got: Buffer, isOver: boolean) => T | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      let got: Buffer = Buffer.alloc(0);
      const timer = setTimeout(
        () =>
          finish(() =>
            reject(
              new AnswerError(
                `no answer in ${this.#patienceMs} ms, after ${got.length} bytes: ${got.toString('latin1', 0, 300)}`,
              ),
            ),
          ),
        this.#patienceMs,
      );
      const finish = (how: () => void): void => {
        clearTimeout(timer);
        socket.off('data', onData).off('close', onClose).off('end', onClose);
        how();
      };
      const probe = (isOver: boolean): void => {
        try {
          const taken = take(got, isOver);
          if (taken !== undefined || isOver) finish(() => resolve(taken));
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const onData = (piece: Buffer): void => {
        got = Buffer.concat([got, piece]);
        probe(false);
      };
      const onClose = (): void => probe(true);
      socket.on('data', onData).on('close', onClose).on('end', onClose);
      if (socket.destroyed || socket.readableEnded) onClose();
    });
  }
}

/** The first answer in `got`, interim ones passed over. @returns undefined where more must come */
function readAnswer(got: Buffer, isHead: boolean, isOver: boolean): Step | undefined {
  let at = 0;
  for (;;) {
    const cut = got.indexOf('\r\n\r\n', at);
    if (cut < 0) {
      if (got.length - at > 20 && !got.toString('latin1', at, at + 9).startsWith('HTTP/1.1 '))
        throw new AnswerError(`no status line: ${got.toString('latin1', at, at + 200)}`);
      if (isOver && got.length > at)
        throw new AnswerError(`a head without end: ${got.toString('latin1', at, at + 200)}`);
      return undefined;
    }
    const [first = '', ...lines] = got.toString('latin1', at, cut).split('\r\n');
    const line = /^(HTTP\/1\.[01]) ([1-5][0-9]{2}) [\x20-\x7e]*$/.exec(first);
    if (line === null) throw new AnswerError(`no status line: ${first.slice(0, 200)}`);
    const status = Number(line[2]);
    at = cut + 4;
    if (status >= 200)
      return readBody(got, at, { status, version: line[1] ?? '', fields: fieldsOf(lines) }, isHead, isOver);
  }
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*)$/.exec(line);
    if (field === null) throw new AnswerError(`no field: ${line.slice(0, 200)}`);
    fields.set((field[1] ?? '').toLowerCase(), (field[2] ?? '').trim());
  }
  return fields;
}

function readBody(
  got: Buffer,
  start: number,
  head: Omit<WireAnswer, 'body'>,
  isHead: boolean,
  isOver: boolean,
): Step | undefined {
  const { status, fields } = head;
  const isLast = fields.get('connection')?.toLowerCase() === 'close';
  const step = (body: Buffer | undefined, end: number): Step => ({ answer: { ...head, body }, end, isLast });
  if (isHead || status === 204 || status === 304) return step(Buffer.alloc(0), start);
  if ((fields.get('content-type') ?? '').startsWith('text/event-stream')) return step(undefined, start);
  const length = fields.get('content-length');
  if (length !== undefined) {
    const end = start + Number(length);
    if (got.length < end && isOver) throw new AnswerError('the body is cut short');
    return got.length < end ? undefined : step(got.subarray(start, end), end);
  }
  if (fields.get('transfer-encoding') === 'chunked') return readChunks(got, start, step, isOver);
  // Until the end.
  return isOver ? step(got.subarray(start), got.length) : undefined;
}

function readChunks(
  got: Buffer,
  start: number,
  step: (body: Buffer, end: number) => Step,
  isOver: boolean,
): Step | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const line = got.indexOf('\r\n', at);
    const size = line < 0 ? Number.NaN : Number.parseInt(got.toString('latin1', at, line), 16);
    const end = line + 2 + size;
    if (line < 0 || got.length < end + 2) {
      if (isOver) throw new AnswerError('the last chunk is cut short');
      return undefined;
    }
    if (Number.isNaN(size)) throw new AnswerError('a chunk without a size');
    if (size === 0) return step(Buffer.concat(parts), end + 2);
    parts.push(got.subarray(line + 2, end));
    at = end + 2;
  }
}
