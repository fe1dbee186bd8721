/* SPDX-License-Identifier: MIT */
/* One thread splits and merges a 2 MiB page without pause while another walks it; each reports its own pace. */
#include <pthread.h>
#include <sched.h>

#include "yardstick.h"

struct machine {
	struct pool pool;
	uint32_t root;
	entry_t *slot;
	uint32_t child;
	int running, stop;
	uint64_t walks;
	uint32_t wrong;
	double walk_ns;
};

static void *walker(void *arg)
{
	struct machine *m = arg;
	uint32_t seed = 7;
	double start = now_ns();

	__atomic_store_n(&m->running, 1, __ATOMIC_RELEASE);
	do {
		m->wrong += walk_many(&m->pool, m->root, ENTRIES, 4096, &seed);
		m->walks += 4096;
	} while (!__atomic_load_n(&m->stop, __ATOMIC_ACQUIRE));
	m->walk_ns = now_ns() - start;
	return NULL;
}

struct answer bench_threads(double ms)
{
	static struct machine m;
	struct answer answer = { 0 };
	const entry_t leaf = DELTA_PAGES << 12 | LEAF | RIGHTS;
	double start, elapsed;
	uint64_t updates = 0;
	int failed = 0;
	pthread_t thread;

	if (!m.slot) {
		uint32_t level2, level1;

		if (pool_init(&m.pool, 4) < 0) {
			answer.wrong = "no memory for the tables";
			return answer;
		}
		m.root = table_alloc(&m.pool);
		level2 = table_alloc(&m.pool);
		level1 = table_alloc(&m.pool);
		m.child = table_alloc(&m.pool);
		table_at(&m.pool, m.root)[0] = link_to(level2);
		table_at(&m.pool, level2)[0] = link_to(level1);
		m.slot = table_at(&m.pool, level1);
		*m.slot = leaf;
	}
	m.running = 0;
	m.stop = 0;
	m.walks = 0;
	m.wrong = 0;
	if (pthread_create(&thread, NULL, walker, &m)) {
		answer.wrong = "no second thread";
		return answer;
	}
	while (!__atomic_load_n(&m.running, __ATOMIC_ACQUIRE))
		sched_yield();
	start = now_ns();
	do {
		/* The merged table keeps its content, and the next split writes the same: a late walker finds the truth. */
		for (int i = 0; i < 256; i++) {
			failed |= split_2m(&m.pool, m.slot, leaf, m.child);
			failed |= merge_2m(&m.pool, m.slot, leaf, m.child);
		}
		updates += 512;
		elapsed = now_ns() - start;
	} while (elapsed < ms * 1e6);
	__atomic_store_n(&m.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	answer.ns = m.walk_ns / m.walks;
	answer.second_ns = elapsed / updates;
	if (m.wrong)
		answer.wrong = "a walk went wrong beside the updates";
	if (failed)
		answer.wrong = "a split or a merge found an entry it did not expect";
	return answer;
}
