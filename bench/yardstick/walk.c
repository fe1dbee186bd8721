/* SPDX-License-Identifier: MIT */
/* A checked walk of four levels: a random page, four dependent loads, the outcome compared with what it must be. */
#include "yardstick.h"

#define FAULT UINT64_MAX

/* Rights are ANDed from the root down, as the hardware does it. By hand, level by level: the fastest form found. */
static inline uint64_t walk(const unsigned char *tables, uint32_t root, uint64_t page)
{
	entry_t e = load_entry((entry_t *)(tables + root + ((page >> 27 & 511) << 3)));
	entry_t rights = e;

	if (!(e & RIGHTS))
		return FAULT;
	e = load_entry((entry_t *)(tables + (uint32_t)(e & 0xfffff000) + ((page >> 18 & 511) << 3)));
	rights &= e;
	if (!(rights & RIGHTS))
		return FAULT;
	if (e & LEAF)
		return (e & FRAME_MASK) >> 12 | (page & 0x3ffff);
	e = load_entry((entry_t *)(tables + (uint32_t)(e & 0xfffff000) + ((page >> 9 & 511) << 3)));
	rights &= e;
	if (!(rights & RIGHTS))
		return FAULT;
	if (e & LEAF)
		return (e & FRAME_MASK) >> 12 | (page & 0x1ff);
	e = load_entry((entry_t *)(tables + (uint32_t)(e & 0xfffff000) + ((page & 511) << 3)));
	rights &= e;
	if (!(rights & RIGHTS))
		return FAULT;
	return (e & FRAME_MASK) >> 12;
}

uint32_t walk_many(const struct pool *pool, uint32_t root, uint32_t pages, uint32_t count, uint32_t *state)
{
	const unsigned char *tables = pool->tables;
	uint32_t seed = *state;
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t page = (uint64_t)next_random(&seed) * pages >> 32;

		wrong += walk(tables, root, page) != page + DELTA_PAGES;
	}
	*state = seed;
	return wrong;
}

/*
 * Tables of `table_bytes` in all: one root, one level 2, then regions of 2 MiB in rising order, every eighth a leaf of
 * level 1 and the others a table of 512 leaves. Returns the number of regions.
 */
static uint32_t build(struct pool *pool, uint32_t root, uint32_t tables)
{
	entry_t *level2;
	entry_t *level1 = NULL;
	uint32_t region = 0;
	uint32_t offset = table_alloc(pool);

	table_at(pool, root)[0] = link_to(offset);
	level2 = table_at(pool, offset);
	for (;;) {
		uint64_t frame = (uint64_t)region * ENTRIES + DELTA_PAGES;

		if (region % ENTRIES == 0) {
			if (pool->fresh == tables)
				return region;
			offset = table_alloc(pool);
			level2[region / ENTRIES] = link_to(offset);
			level1 = table_at(pool, offset);
		}
		if (region % 8 == 7) {
			level1[region % ENTRIES] = frame << 12 | LEAF | RIGHTS;
		} else {
			if (pool->fresh == tables)
				return region;
			offset = table_alloc(pool);
			level1[region % ENTRIES] = link_to(offset);
			for (uint32_t i = 0; i < ENTRIES; i++)
				table_at(pool, offset)[i] = (frame + i) << 12 | RIGHTS;
		}
		region++;
	}
}

struct answer bench_walk(uint32_t table_bytes, double ms)
{
	static struct pool pool;
	static uint32_t built_bytes, root, pages, seed = 1;
	struct answer answer = { 0 };
	double start, elapsed;
	uint64_t walks = 0;
	uint32_t wrong = 0;

	if (built_bytes != table_bytes) {
		if (built_bytes)
			pool_exit(&pool);
		built_bytes = 0;
		if (pool_init(&pool, table_bytes / TABLE_BYTES) < 0) {
			answer.wrong = "no memory for the tables";
			return answer;
		}
		built_bytes = table_bytes;
		root = table_alloc(&pool);
		pages = build(&pool, root, table_bytes / TABLE_BYTES) * ENTRIES;
	}
	start = now_ns();
	do {
		wrong += walk_many(&pool, root, pages, 1 << 16, &seed);
		walks += 1 << 16;
		elapsed = now_ns() - start;
	} while (elapsed < ms * 1e6);
	answer.ns = elapsed / walks;
	if (wrong)
		answer.wrong = "a walk ended in the wrong frame";
	return answer;
}
