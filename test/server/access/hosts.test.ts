import { describe, expect, test } from 'vitest';
import {
  AllowedHosts,
  clientNetwork,
  isHostOrOrigin,
  isLoopback,
  type SiteFields,
} from '../../../src/server/access/index.ts';

const everywhere = new AllowedHosts({
  listen: '0.0.0.0',
  allowed: ['kdump.lan', 'https://proxy.example:8443'],
});

test.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.0.1.1', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.5', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
])('isLoopback: %s → %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:0db8::6', '2001:db8:0:0'],
  ['2001:db8:1:2:3::', '2001:db8:1:2'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('clientNetwork: %s → %s', (address, expected) => {
  expect(clientNetwork(address)).toBe(expected);
});

describe('AllowedHosts.answersTo', () => {
  test.each([
    ['a loopback name', 'localhost', '172.17.0.2', true],
    ['the IPv6 loopback name', '[::1]', '::1', true],
    ['the address of the connection', '192.168.1.5', '192.168.1.5', true],
    ['the same, mapped into IPv6', '192.168.1.5', '::ffff:192.168.1.5', true],
    ['the address of the connection, IPv6 with a zone', '[fe80::1]', 'fe80::1%eth0', true],
    ['an allowed name in capitals', 'KDUMP.lan', '192.168.1.5', true],
    ['the name of an allowed origin', 'proxy.example', '192.168.1.5', true],
    ['a name that was rebound', 'evil.example', '192.168.1.5', false],
    ['a name that ends as an allowed one', 'evil.kdump.lan', '192.168.1.5', false],
    ['another address', '192.168.1.6', '192.168.1.5', false],
    ['the wildcard', '0.0.0.0', '192.168.1.5', false],
    ['nothing', '', '192.168.1.5', false],
    ['a loopback name with a dot at its end', 'localhost.', '127.0.0.1', false],
  ])('%s → %s', (_what, name, local, expected) => {
    expect(everywhere.answersTo(name, local)).toBe(expected);
  });

  test('the name that is listened on → answered', () => {
    expect(new AllowedHosts({ listen: 'node7.lan' }).answersTo('node7.lan', '10.0.0.7')).toBe(true);
  });
});

const site = (more: Partial<SiteFields>): SiteFields => ({
  method: 'GET',
  host: 'localhost:8470',
  protocol: 'http',
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  fetchDest: undefined,
  ...more,
});

describe('AllowedHosts.isForeign', () => {
  test.each<[string, Partial<SiteFields>, boolean]>([
    ['no browser', {}, false],
    ['its own page', { origin: 'http://localhost:8470', fetchSite: 'same-origin' }, false],
    ['typed by the user', { fetchSite: 'none', fetchMode: 'navigate' }, false],
    ['the default port left out', { host: 'kdump.lan', origin: 'http://kdump.lan:80' }, false],
    ['the origin of the proxy', { host: '127.0.0.1:8470', origin: 'https://proxy.example:8443' }, false],
    ['another site', { origin: 'https://evil.example' }, true],
    ['a sandboxed page', { origin: 'null' }, true],
    ['another port of the same host', { origin: 'http://localhost:3000' }, true],
    ['another scheme', { origin: 'https://localhost:8470' }, true],
    ['another loopback name', { origin: 'http://127.0.0.1:8470' }, true],
    ['a POST of another site', { method: 'POST', fetchSite: 'cross-site' }, true],
    ['a POST of another port', { method: 'POST', fetchSite: 'same-site' }, true],
    ['an image of another site', { fetchSite: 'cross-site', fetchMode: 'no-cors', fetchDest: 'image' }, true],
    [
      'a frame of another site',
      { fetchSite: 'cross-site', fetchMode: 'navigate', fetchDest: 'iframe' },
      true,
    ],
    ['an EventSource of another port', { fetchSite: 'same-site', fetchMode: 'cors' }, true],
    [
      'a link of another site',
      { fetchSite: 'cross-site', fetchMode: 'navigate', fetchDest: 'document' },
      false,
    ],
    [
      'a form of another site',
      { method: 'POST', fetchSite: 'cross-site', fetchMode: 'navigate', fetchDest: 'document' },
      true,
    ],
  ])('%s → %s', (_what, fields, expected) => {
    expect(everywhere.isForeign(site(fields))).toBe(expected);
  });

  test('isOwnPage: only what the browser vouches for', () => {
    const post = (more: Partial<SiteFields>) => everywhere.isOwnPage(site({ method: 'POST', ...more }));
    expect(post({})).toBe(false);
    expect(post({ fetchSite: 'none' })).toBe(false);
    expect(post({ fetchSite: 'same-origin' })).toBe(true);
    expect(post({ origin: 'http://localhost:8470' })).toBe(true);
    expect(post({ origin: 'http://localhost:1', fetchSite: 'same-origin' })).toBe(false);
  });

  test('isSecure: TLS, or an allowed origin with it', () => {
    expect(everywhere.isSecure(site({}))).toBe(false);
    expect(everywhere.isSecure(site({ protocol: 'https' }))).toBe(true);
    expect(everywhere.isSecure(site({ origin: 'https://proxy.example:8443' }))).toBe(true);
    expect(everywhere.isSecure(site({ origin: 'https://evil.example' }))).toBe(false);
  });
});

test.each([
  ['kdump.lan', true],
  ['192.168.1.5', true],
  ['[fe80::1]', true],
  ['fe80::1', true],
  ['https://kdump.lan', true],
  ['http://kdump.lan:81', true],
  ['https://kdump.lan/', false],
  ['https://kdump.lan/path', false],
  ['ftp://kdump.lan', false],
  ['kdump.lan:80', false],
  ['*', false],
  ['', false],
  ['a b', false],
])('isHostOrOrigin: %s → %s', (text, expected) => {
  expect(isHostOrOrigin(text)).toBe(expected);
});
