/* SPDX-License-Identifier: MIT */
/* 1 GiB in 4 KiB leaves: built aside and linked with one store; taken away again by cutting that link. */
#include "yardstick.h"

#define PTES ((double)ENTRIES * ENTRIES)

static struct pool pool;
static entry_t *slot;

static int prepare(void)
{
	if (slot)
		return 0;
	if (pool_init(&pool, ENTRIES + 2) < 0)
		return -1;
	slot = table_at(&pool, table_alloc(&pool));
	return 0;
}

static void map_1g(void)
{
	uint32_t top = table_alloc(&pool);

	for (uint32_t i = 0; i < ENTRIES; i++) {
		uint32_t child = table_alloc(&pool);
		entry_t *table = table_at(&pool, child);
		entry_t first = ((uint64_t)i * ENTRIES + DELTA_PAGES) << 12 | RIGHTS;

		for (uint32_t j = 0; j < ENTRIES; j++)
			table[j] = first + ((entry_t)j << 12);
		table_at(&pool, top)[i] = link_to(child);
	}
	__atomic_store_n(slot, link_to(top), __ATOMIC_SEQ_CST);
}

static void detach_1g(void)
{
	uint32_t top = (uint32_t)(*slot & 0xfffff000);

	__atomic_store_n(slot, 0, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < ENTRIES; i++)
		table_free(&pool, (uint32_t)(table_at(&pool, top)[i] & 0xfffff000));
	table_free(&pool, top);
}

/* True iff every page of the gigabyte has the frame it must have. */
static int mapped_right(void)
{
	const entry_t *top = table_at(&pool, (uint32_t)(*slot & 0xfffff000));

	for (uint32_t i = 0; i < ENTRIES; i++) {
		const entry_t *table = table_at(&pool, (uint32_t)(top[i] & 0xfffff000));

		for (uint32_t j = 0; j < ENTRIES; j++)
			if (table[j] != (((uint64_t)i * ENTRIES + j + DELTA_PAGES) << 12 | RIGHTS))
				return 0;
	}
	return 1;
}

struct answer bench_map(double ms)
{
	struct answer answer = { 0 };
	double map_ns = 0, detach_ns = 0;
	uint32_t rounds = 0;

	if (prepare() < 0) {
		answer.wrong = "no memory for the tables";
		return answer;
	}
	do {
		double t0 = now_ns(), t1, t2, t3;

		map_1g();
		t1 = now_ns();
		if (!mapped_right())
			answer.wrong = "a page of the new gigabyte has the wrong frame";
		t2 = now_ns();
		detach_1g();
		t3 = now_ns();
		if (*slot || pool.nr_free != ENTRIES + 1)
			answer.wrong = "detaching left a table behind";
		map_ns += t1 - t0;
		detach_ns += t3 - t2;
		rounds++;
	} while (map_ns + detach_ns < ms * 1e6);
	answer.ns = map_ns / rounds / PTES;
	answer.second_ns = detach_ns / rounds / PTES;
	return answer;
}
