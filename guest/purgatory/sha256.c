/*
 * SHA-256 (FIPS 180-4 §6.2), made to be quick without vector registers: the message schedule lives in sixteen words
 * that are renewed in place, and rounds are unrolled by eight, so that the eight working variables never move.
 */
#include "purgatory.h"

/* FIPS 180-4 §4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const u32 K[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline u32 rotate_right(u32 x, u32 n)
{
  return x >> n | x << (32 - n);
}

static inline u32 big_sigma0(u32 x)
{
  return rotate_right(x, 2) ^ rotate_right(x, 13) ^ rotate_right(x, 22);
}

static inline u32 big_sigma1(u32 x)
{
  return rotate_right(x, 6) ^ rotate_right(x, 11) ^ rotate_right(x, 25);
}

static inline u32 small_sigma0(u32 x)
{
  return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}

static inline u32 small_sigma1(u32 x)
{
  return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

/* One round; the caller renames the variables instead of moving them. */
#define ROUND(a, b, c, d, e, f, g, h, k, word)                                               \
  do {                                                                                 \
    u32 t = (h) + big_sigma1(e) + ((g) ^ ((e) & ((f) ^ (g)))) + (k) + (word);    \
    (d) += t;                                                                    \
    (h) = t + big_sigma0(a) + (((a) & (b)) | ((c) & ((a) | (b))));               \
  } while (0)

#define EIGHT_ROUNDS(at, W)                                      \
  do {                                                     \
    ROUND(a, b, c, d, e, f, g, h, k[(at)], W(at));   \
    ROUND(h, a, b, c, d, e, f, g, k[(at) + 1], W((at) + 1)); \
    ROUND(g, h, a, b, c, d, e, f, k[(at) + 2], W((at) + 2)); \
    ROUND(f, g, h, a, b, c, d, e, k[(at) + 3], W((at) + 3)); \
    ROUND(e, f, g, h, a, b, c, d, k[(at) + 4], W((at) + 4)); \
    ROUND(d, e, f, g, h, a, b, c, k[(at) + 5], W((at) + 5)); \
    ROUND(c, d, e, f, g, h, a, b, k[(at) + 6], W((at) + 6)); \
    ROUND(b, c, d, e, f, g, h, a, k[(at) + 7], W((at) + 7)); \
  } while (0)

/* The message's own word, and one made from four earlier ones. */
#define FRESH(i) (w[(i) & 15] = *(const u32 *)(block + 4 * (i)))
#define RENEWED(i)                                                                           \
  (w[(i) & 15] += small_sigma1(w[((i) + 14) & 15]) + w[((i) + 9) & 15] + small_sigma0(w[((i) + 1) & 15]))

static void compress(u32 state[8], const u8 *block, u64 blocks)
{
  u32 a = state[0], b = state[1], c = state[2], d = state[3];
  u32 e = state[4], f = state[5], g = state[6], h = state[7];

  for (; blocks != 0; blocks--, block += 64) {
    u32 w[16];
    const u32 *k = K;

    EIGHT_ROUNDS(0, FRESH);
    EIGHT_ROUNDS(8, FRESH);
    for (u32 sixteen = 0; sixteen < 3; sixteen++) {
      k += 16;
      EIGHT_ROUNDS(0, RENEWED);
      EIGHT_ROUNDS(8, RENEWED);
    }
    a = state[0] += a;
    b = state[1] += b;
    c = state[2] += c;
    d = state[3] += d;
    e = state[4] += e;
    f = state[5] += f;
    g = state[6] += g;
    h = state[7] += h;
  }
}

void sha256_start(struct sha256 *hash)
{
  /* FIPS 180-4 §5.3.3 */
  static const u32 initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  };

  for (u32 i = 0; i < 8; i++)
    hash->state[i] = initial[i];
  hash->bytes = 0;
}

void sha256_add(struct sha256 *hash, const u8 *data, u64 length)
{
  u64 held = hash->bytes & 63;

  hash->bytes += length;
  if (held == 0) {
    compress(hash->state, data, length / 64);
    data += length & ~63ul;
    length &= 63;
  }
  for (; length != 0; length--) {
    hash->block[held++] = *data++;
    if (held == 64) {
      compress(hash->state, hash->block, 1);
      held = 0;
      compress(hash->state, data, (length - 1) / 64);
      data += (length - 1) & ~63ul;
      length = ((length - 1) & 63) + 1;
    }
  }
}

void sha256_end(struct sha256 *hash, u8 digest[DIGEST_BYTES])
{
  static const u8 one_bit = 0x80, zero = 0;
  u64 bits = hash->bytes * 8;

  sha256_add(hash, &one_bit, 1);
  while ((hash->bytes & 63) != 56)
    sha256_add(hash, &zero, 1);
  for (u32 i = 0; i < 8; i++)
    hash->block[56 + i] = (u8)(bits >> (56 - 8 * i));
  compress(hash->state, hash->block, 1);
  for (u32 i = 0; i < DIGEST_BYTES; i++)
    digest[i] = (u8)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}
