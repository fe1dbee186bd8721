/* SPDX-License-Identifier: MIT */
/*
 * What the rows of the C yardstick share: the shape of a page table, a pool of table pages, a clock and a random source.
 *
 * The tables have the shape of the emulated machine's: 512 entries of 64 bits, R and W in bits 0 and 1, PS (leaf above
 * level 0) in bit 7, the frame in bits 51:12. Table pages start at the physical address 4 GiB, so that the low half of a
 * table entry is the table's offset from `tables`.
 */
#ifndef YARDSTICK_H
#define YARDSTICK_H

#include <stddef.h>
#include <stdint.h>

#define ENTRIES 512
#define TABLE_BYTES 4096
#define RIGHTS 3ull
#define LEAF 128ull
#define FRAME_MASK 0x000ffffffffff000ull
#define TABLE_BASE 0x100000000ull
#define POISON 0xdeaddead00000000ull

/* Pages between an IOVA and the frame behind it; a multiple of 1 GiB, so that every leaf size is aligned. */
#define DELTA_PAGES 0x1000000ull

typedef uint64_t entry_t;

struct pool {
	unsigned char *tables;
	uint32_t pages;
	uint32_t fresh;		/* pages never handed out start here */
	uint32_t nr_free;
	uint32_t *free;		/* stack of page numbers given back */
};

/* One answer to the driver: nanoseconds per operation of one or two figures, or a sentence of what went wrong. */
struct answer {
	double ns, second_ns;
	const char *wrong;
};

static inline entry_t *table_at(const struct pool *pool, uint32_t offset)
{
	return (entry_t *)(pool->tables + offset);
}

static inline entry_t load_entry(const entry_t *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static inline entry_t link_to(uint32_t offset)
{
	return TABLE_BASE | offset | RIGHTS;
}

static inline uint32_t next_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

double now_ns(void);

/* Returns 0, or -1 when memory is short. Every page is touched: page faults are no part of any figure. */
int pool_init(struct pool *pool, uint32_t pages);
void pool_exit(struct pool *pool);
uint32_t table_alloc(struct pool *pool);
void table_free(struct pool *pool, uint32_t offset);

/* Sum of wrong outcomes of `count` random checked walks in pages [0, pages). */
uint32_t walk_many(const struct pool *pool, uint32_t root, uint32_t pages, uint32_t count, uint32_t *state);
/* Writes the 512 leaves of level 0 behind a 2 MiB leaf, then links them by compare-exchange. Returns 0, or -1 when the leaf was not as expected. */
int split_2m(struct pool *pool, entry_t *slot, entry_t leaf, uint32_t child);
/* Compares the 512 leaves with what a 2 MiB leaf would say, then puts it in place. Returns 0, or -1 when they disagree. */
int merge_2m(struct pool *pool, entry_t *slot, entry_t leaf, uint32_t child);

/* Each runs for about `ms` milliseconds of timed work. */
struct answer bench_walk(uint32_t table_bytes, double ms);	/* a walk */
struct answer bench_diff(uint32_t regions, double ms);		/* a whole list */
struct answer bench_map(double ms);				/* a PTE mapped; a PTE detached */
struct answer bench_split(double ms);				/* a split; a merge */
struct answer bench_store(double ms);				/* a seq-cst store; a release store */
struct answer bench_threads(double ms);				/* a walk; an update, both running */

#endif
