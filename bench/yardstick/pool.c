/* SPDX-License-Identifier: MIT */
/* Table pages and the clock. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "yardstick.h"

double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int pool_init(struct pool *pool, uint32_t pages)
{
	size_t bytes = (size_t)pages * TABLE_BYTES;

	pool->tables = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool->tables == MAP_FAILED)
		return -1;
	/* The engine's memory is not backed by huge pages; the same here, so that the figures are about code. */
	madvise(pool->tables, bytes, MADV_NOHUGEPAGE);
	memset(pool->tables, 0, bytes);
	pool->free = malloc(pages * sizeof(*pool->free));
	pool->pages = pages;
	pool->fresh = 0;
	pool->nr_free = 0;
	return pool->free ? 0 : -1;
}

void pool_exit(struct pool *pool)
{
	munmap(pool->tables, (size_t)pool->pages * TABLE_BYTES);
	free(pool->free);
}

/* Pre: the caller sized the pool for all it needs at one time. */
uint32_t table_alloc(struct pool *pool)
{
	uint32_t page = pool->nr_free ? pool->free[--pool->nr_free] : pool->fresh++;

	return page * TABLE_BYTES;
}

/* A freed page is poisoned, as the emulated machine poisons it: whoever still walks it must not find a translation. */
void table_free(struct pool *pool, uint32_t offset)
{
	entry_t *table = table_at(pool, offset);

	for (int i = 0; i < ENTRIES; i++)
		table[i] = POISON;
	pool->free[pool->nr_free++] = offset / TABLE_BYTES;
}
