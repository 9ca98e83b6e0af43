/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/twin.h"

#include <string.h>

void bake_twin_init(struct bake_twin *twin)
{
	/* FIPS 180-4, 5.3.3. */
	*twin = (struct bake_twin){
		.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
			0x1f83d9ab, 0x5be0cd19},
	};
}

void bake_twin_final(struct bake_twin *twin, struct bake_span rest, struct bake_digest *out)
{
	uint8_t last[2 * BAKE_TWIN_BLOCK] = {0};
	size_t blocks = rest.len + 9 <= BAKE_TWIN_BLOCK ? 1 : 2;
	uint64_t bits = (twin->bytes + rest.len) * 8;
	struct bake_digest digest = {.kind = BAKE_DIGEST_SHA256};

	if (rest.len)
		memcpy(last, rest.ptr, rest.len);
	last[rest.len] = 0x80;
	for (size_t i = 0; i < 8; i++)
		last[blocks * BAKE_TWIN_BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);
	bake_twin_update_one(twin, last, blocks);
	for (size_t i = 0; i < 32; i++)
		digest.bytes[i] = (uint8_t)(twin->state[i / 4] >> (24 - 8 * (i % 4)));
	*out = digest;
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
	0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
	0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d,
	0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
	0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585,
	0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
	0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The compilers' __builtin_cpu_supports learnt "sha" only later: leaf 7, bit 29 of EBX. */
static bool has_sha(void)
{
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1U << 29) != 0;
}

bool bake_twin_usable(void)
{
	return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") && has_sha();
}

/* The state as the instructions want it: a b e f and c d g h. */
struct lane {
	__m128i abef;
	__m128i cdgh;
};

WITH_SHA static inline struct lane load_state(const uint32_t state[8])
{
	__m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
	__m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
	__m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
	__m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);

	return (struct lane){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

WITH_SHA static inline void store_state(const struct lane *lane, uint32_t state[8])
{
	__m128i feba = _mm_shuffle_epi32(lane->abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(lane->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* The 16 words of a block, which are big-endian. */
WITH_SHA static inline void load_block(__m128i words[4], const uint8_t *bytes)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	for (size_t i = 0; i < 4; i++)
		words[i] = _mm_shuffle_epi8(
			_mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i)), swap);
}

/* Four rounds, and of the schedule the four words that are needed 16 rounds later. */
WITH_SHA static inline void four_rounds(struct lane *lane, __m128i words[4], size_t at)
{
	__m128i k = _mm_loadu_si128((const __m128i *)(const void *)(constants + 4 * at));
	__m128i in = _mm_add_epi32(words[at % 4], k);
	__m128i last = words[(at + 3) % 4];
	__m128i next;

	lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, in);
	lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(in, 0x0e));
	if (at >= 12)
		return;
	next = _mm_sha256msg1_epu32(words[at % 4], words[(at + 1) % 4]);
	next = _mm_add_epi32(next, _mm_alignr_epi8(last, words[(at + 2) % 4], 4));
	words[at % 4] = _mm_sha256msg2_epu32(next, last);
}

WITH_SHA static inline void add_state(struct lane *lane, const struct lane *more)
{
	lane->abef = _mm_add_epi32(lane->abef, more->abef);
	lane->cdgh = _mm_add_epi32(lane->cdgh, more->cdgh);
}

WITH_SHA void bake_twin_update(struct bake_twin *a, const uint8_t *a_bytes, struct bake_twin *b,
	const uint8_t *b_bytes, size_t blocks)
{
	struct lane a_lane = load_state(a->state);
	struct lane b_lane = load_state(b->state);

	for (size_t i = 0; i < blocks; i++) {
		struct lane a_before = a_lane;
		struct lane b_before = b_lane;
		__m128i a_words[4];
		__m128i b_words[4];

		load_block(a_words, a_bytes + i * BAKE_TWIN_BLOCK);
		load_block(b_words, b_bytes + i * BAKE_TWIN_BLOCK);
#pragma GCC unroll 16
		for (size_t at = 0; at < 16; at++) {
			four_rounds(&a_lane, a_words, at);
			four_rounds(&b_lane, b_words, at);
		}
		add_state(&a_lane, &a_before);
		add_state(&b_lane, &b_before);
	}
	store_state(&a_lane, a->state);
	store_state(&b_lane, b->state);
	a->bytes += blocks * BAKE_TWIN_BLOCK;
	b->bytes += blocks * BAKE_TWIN_BLOCK;
}

WITH_SHA void bake_twin_update_one(struct bake_twin *twin, const uint8_t *bytes, size_t blocks)
{
	struct lane lane = load_state(twin->state);

	for (size_t i = 0; i < blocks; i++) {
		struct lane before = lane;
		__m128i words[4];

		load_block(words, bytes + i * BAKE_TWIN_BLOCK);
#pragma GCC unroll 16
		for (size_t at = 0; at < 16; at++)
			four_rounds(&lane, words, at);
		add_state(&lane, &before);
	}
	store_state(&lane, twin->state);
	twin->bytes += blocks * BAKE_TWIN_BLOCK;
}

#else

bool bake_twin_usable(void)
{
	return false;
}

/* Never called: see bake_twin_usable. */
void bake_twin_update(struct bake_twin *a, const uint8_t *a_bytes, struct bake_twin *b,
	const uint8_t *b_bytes, size_t blocks)
{
	bake_twin_update_one(a, a_bytes, blocks);
	bake_twin_update_one(b, b_bytes, blocks);
}

void bake_twin_update_one(struct bake_twin *twin, const uint8_t *bytes, size_t blocks)
{
	(void)bytes;
	twin->bytes += blocks * BAKE_TWIN_BLOCK;
}

#endif
