// SPDX-License-Identifier: GPL-2.0-only
/*
 * Secure kernel - the service that needs the secret: SipHash-2-4 of one number.
 *
 * No data, no calls: on the control run, where there is no VTL1, the same code
 * runs in VTL0 as an ordinary kernel function.
 */
#include "sk_main.h"

static inline u64 rotate(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void rounds(u64 v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static inline void absorb(u64 v[4], u64 word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

u64 sk_mac(const u64 *secret, u64 number)
{
	u64 v[4] = {
		secret[0] ^ 0x736f6d6570736575ULL,
		secret[1] ^ 0x646f72616e646f6dULL,
		secret[0] ^ 0x6c7967656e657261ULL,
		secret[1] ^ 0x7465646279746573ULL,
	};

	absorb(v, number);
	absorb(v, (u64)sizeof(number) << 56);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
