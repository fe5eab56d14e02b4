/**
 * Says which host names the daemon answers to, and which origins are its own.
 *
 * A browser sends the name that its user asked for as Host, whatever address it led to. A web site whose name is rebound to the
 * daemon's address is therefore recognised by a Host that is none of the daemon's names. An IP literal cannot be rebound: the
 * browser has connected to that address, so the address of the connection itself is answered to.
 *
 * Browsers send Origin with every request but a GET or HEAD to the page's own origin (Fetch Standard, "append a request
 * Origin header"), and Sec-Fetch-Site with all of them (Fetch Metadata Request Headers, §2.3). Cookies know no port, so that a page of
 * another port of the same host is `same-site`, and foreign.
 */

export type HostOptions = {
  /** The address that is listened on. */
  readonly listen: string;
  /** More names, and origins (`https://…`) of proxies in front. */
  readonly allowed?: readonly string[];
};

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];
const WILDCARDS = ['0.0.0.0', '::'];

/** Whether only programs on this machine can reach the address. */
export function isLoopback(address: string): boolean {
  const bare = bareAddress(address);
  return bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare);
}

/** The fields of a request that say which site sent it. */
export type SiteFields = {
  readonly method: string;
  /** The value of Host. */
  readonly host: string;
  readonly protocol: 'http' | 'https';
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
};

export class AllowedHosts {
  readonly #names: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  /** @throws TypeError for an `allowed` that is neither a name nor an origin; {@link isHostOrOrigin} says which */
  constructor({ listen, allowed = [] }: HostOptions) {
    const origins = allowed.filter((each) => each.includes('://')).map((each) => new URL(each));
    this.#names = new Set(
      [
        ...LOOPBACK_NAMES,
        ...(WILDCARDS.includes(bareAddress(listen)) ? [] : [listen]),
        ...allowed.filter((each) => !each.includes('://')),
        ...origins.map(({ hostname }) => hostname),
      ].map(bareAddress),
    );
    this.#origins = new Set(origins.map(({ origin }) => origin));
  }

  /**
   * @param name of Host, without the port
   * @param localAddress of the connection
   */
  answersTo(name: string, localAddress: string | undefined): boolean {
    const bare = bareAddress(name);
    return this.#names.has(bare) || (localAddress !== undefined && bare === bareAddress(localAddress));
  }

  /** Whether another web site sent the request, or had the browser send it. A link to a page is not foreign. */
  isForeign(fields: SiteFields): boolean {
    const { method, origin, fetchSite, fetchMode, fetchDest } = fields;
    if (fetchSite === 'cross-site' || fetchSite === 'same-site') {
      const isLink =
        (method === 'GET' || method === 'HEAD') && fetchMode === 'navigate' && fetchDest === 'document';
      if (!isLink) return true;
    }
    return origin !== undefined && !this.#isOwn(origin, fields);
  }

  /** Whether the browser vouches for a request of the daemon's own page: what a cookie needs to change something. */
  isOwnPage(fields: SiteFields): boolean {
    if (this.isForeign(fields)) return false;
    return fields.origin !== undefined || fields.fetchSite === 'same-origin';
  }

  /** Whether the page is served by TLS, by the daemon or a proxy in front of it. */
  isSecure({ protocol, origin }: Pick<SiteFields, 'protocol' | 'origin'>): boolean {
    return protocol === 'https' || (origin?.startsWith('https:') === true && this.#origins.has(origin));
  }

  #isOwn(origin: string, { protocol, host }: SiteFields): boolean {
    if (this.#origins.has(origin)) return true;
    // "null" (sandboxed pages, files) is no address and is foreign.
    const own = `${protocol}://${host}`;
    return URL.canParse(origin) && URL.canParse(own) && new URL(origin).origin === new URL(own).origin;
  }
}

/** Whether a text can be given as an allowed host: a name or address without a port, or an origin. */
export function isHostOrOrigin(text: string): boolean {
  if (!text.includes('://'))
    return /^(\[[0-9a-f:.]+\]|[0-9a-f:]*:[0-9a-f:.]+|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)$/i.test(text);
  return /^https?:\/\//i.test(text) && URL.canParse(text) && new URL(text).origin === text.toLowerCase();
}

/** What one client has for itself: an IPv4 address, or the first half of an IPv6 address, of which the other is its own to choose. */
export function clientNetwork(address: string): string {
  const bare = bareAddress(address);
  if (!bare.includes(':')) return bare;
  const [before = '', after] = bare.split('::');
  const groups = before.split(':');
  const zeros = after === undefined ? 0 : 8 - groups.length - after.split(':').length;
  return [...groups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...(after?.split(':') ?? [])]
    .slice(0, 4)
    .map((group) => Number.parseInt(group || '0', 16).toString(16))
    .join(':');
}

/** Without brackets and zone, in lower case; an IPv4 address that was mapped into IPv6 as itself. */
function bareAddress(text: string): string {
  return text
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/, '$1');
}
