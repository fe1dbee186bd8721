/* SPDX-License-Identifier: MIT */
/* Live 4 KiB leaves overwritten one by one in tables that walkers can reach: 1 GiB, to and fro between two frames. */
#include "yardstick.h"

static struct pool pool;
static uint32_t generation;

static int prepare(void)
{
	if (pool.tables)
		return 0;
	return pool_init(&pool, ENTRIES);
}

static entry_t leaf_of(uint32_t table, uint32_t index, uint32_t version)
{
	return ((uint64_t)table * ENTRIES + index + (version & 1 ? DELTA_PAGES : 2 * DELTA_PAGES)) << 12 | RIGHTS;
}

/* Nanoseconds for one pass. `order` is a constant in each caller, so that the compiler sees the store it shall emit. */
static inline __attribute__((always_inline)) double pass(int order)
{
	double start = now_ns();

	generation++;
	for (uint32_t t = 0; t < ENTRIES; t++) {
		entry_t *table = table_at(&pool, t * TABLE_BYTES);
		entry_t first = leaf_of(t, 0, generation);

		for (uint32_t i = 0; i < ENTRIES; i++)
			__atomic_store_n(&table[i], first + ((entry_t)i << 12), order);
	}
	return now_ns() - start;
}

static int all_arrived(void)
{
	for (uint32_t t = 0; t < ENTRIES; t++)
		for (uint32_t i = 0; i < ENTRIES; i++)
			if (table_at(&pool, t * TABLE_BYTES)[i] != leaf_of(t, i, generation))
				return 0;
	return 1;
}

struct answer bench_store(double ms)
{
	struct answer answer = { 0 };
	double seq_cst_ns = 0, release_ns = 0;
	uint32_t rounds = 0;

	if (prepare() < 0) {
		answer.wrong = "no memory for the tables";
		return answer;
	}
	do {
		seq_cst_ns += pass(__ATOMIC_SEQ_CST);
		if (!all_arrived())
			answer.wrong = "a store did not arrive";
		release_ns += pass(__ATOMIC_RELEASE);
		if (!all_arrived())
			answer.wrong = "a store did not arrive";
		rounds++;
	} while (seq_cst_ns < ms * 1e6);
	answer.ns = seq_cst_ns / rounds / ENTRIES / ENTRIES;
	answer.second_ns = release_ns / rounds / ENTRIES / ENTRIES;
	return answer;
}
