/* SPDX-License-Identifier: MIT */
/* One 2 MiB leaf becomes 512 leaves of 4 KiB with the same translation, and one leaf again. */
#include "yardstick.h"

int split_2m(struct pool *pool, entry_t *slot, entry_t leaf, uint32_t child)
{
	entry_t *table = table_at(pool, child);
	entry_t first = leaf & ~LEAF;

	for (uint32_t i = 0; i < ENTRIES; i++)
		table[i] = first + ((entry_t)i << 12);
	return __atomic_compare_exchange_n(slot, &leaf, link_to(child), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ? 0 : -1;
}

int merge_2m(struct pool *pool, entry_t *slot, entry_t leaf, uint32_t child)
{
	const entry_t *table = table_at(pool, child);
	entry_t first = leaf & ~LEAF;
	entry_t link = link_to(child);
	entry_t differ = 0;

	for (uint32_t i = 0; i < ENTRIES; i++)
		differ |= load_entry(&table[i]) ^ (first + ((entry_t)i << 12));
	if (differ)
		return -1;
	return __atomic_compare_exchange_n(slot, &link, leaf, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ? 0 : -1;
}

struct answer bench_split(double ms)
{
	static struct pool pool;
	static entry_t *level1;
	static uint32_t children;
	struct answer answer = { 0 };
	double split_ns = 0, merge_ns = 0;
	uint64_t pages = 0;
	int failed = 0;

	if (!level1) {
		if (pool_init(&pool, ENTRIES + 1) < 0) {
			answer.wrong = "no memory for the tables";
			return answer;
		}
		level1 = table_at(&pool, table_alloc(&pool));
		children = pool.fresh * TABLE_BYTES;
		for (uint32_t i = 0; i < ENTRIES; i++)
			level1[i] = ((uint64_t)i * ENTRIES + DELTA_PAGES) << 12 | LEAF | RIGHTS;
	}
	do {
		double t0 = now_ns(), t1, t2;

		for (uint32_t i = 0; i < ENTRIES; i++)
			failed |= split_2m(&pool, &level1[i], ((uint64_t)i * ENTRIES + DELTA_PAGES) << 12 | LEAF | RIGHTS,
					   children + i * TABLE_BYTES);
		t1 = now_ns();
		for (uint32_t i = 0; i < ENTRIES; i++)
			failed |= merge_2m(&pool, &level1[i], ((uint64_t)i * ENTRIES + DELTA_PAGES) << 12 | LEAF | RIGHTS,
					   children + i * TABLE_BYTES);
		t2 = now_ns();
		split_ns += t1 - t0;
		merge_ns += t2 - t1;
		pages += ENTRIES;
	} while (split_ns + merge_ns < ms * 1e6);
	answer.ns = split_ns / pages;
	answer.second_ns = merge_ns / pages;
	if (failed)
		answer.wrong = "a split or a merge found an entry it did not expect";
	return answer;
}
