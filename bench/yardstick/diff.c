/* SPDX-License-Identifier: MIT */
/*
 * A list of regions as the ioctl takes it, validated in full and compared in full with the list in force.
 * One region of N changes its backing, to and fro.
 */
#include <stdlib.h>
#include <string.h>

#include "yardstick.h"

struct region {
	uint64_t iova, size, vaddr;
	uint32_t flags, reserved;
};

struct delta {
	uint64_t kept, added, removed, changed;
};

#define APERTURE_END (1ull << 48)

static int validate(const struct region *r, uint32_t n)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t next = r[i].iova + r[i].size;

		if (!r[i].size || (r[i].iova | r[i].size | r[i].vaddr) & 4095)
			return -1;
		if (!r[i].flags || r[i].flags & ~3u || r[i].reserved)
			return -1;
		if (next < r[i].iova || r[i].vaddr + r[i].size < r[i].vaddr || next > APERTURE_END)
			return -1;
		if (r[i].iova < end)
			return -1;
		end = next;
	}
	return 0;
}

/* Both lists sorted and free of overlap; regions may lie across one another in any way. */
static void diff(const struct region *a, uint32_t na, const struct region *b, uint32_t nb, struct delta *d)
{
	uint32_t i = 0, j = 0;
	uint64_t at = 0;

	memset(d, 0, sizeof(*d));
	while (i < na || j < nb) {
		uint64_t a_start = i < na ? a[i].iova : UINT64_MAX, a_end = i < na ? a_start + a[i].size : UINT64_MAX;
		uint64_t b_start = j < nb ? b[j].iova : UINT64_MAX, b_end = j < nb ? b_start + b[j].size : UINT64_MAX;
		uint64_t a_at = a_start > at ? a_start : at, b_at = b_start > at ? b_start : at;

		if (a_at < b_at) {
			at = a_end < b_at ? a_end : b_at;
			d->removed += at - a_at;
		} else if (b_at < a_at) {
			at = b_end < a_at ? b_end : a_at;
			d->added += at - b_at;
		} else {
			at = a_end < b_end ? a_end : b_end;
			if (a[i].vaddr - a_start == b[j].vaddr - b_start && a[i].flags == b[j].flags)
				d->kept += at - a_at;
			else
				d->changed += at - a_at;
		}
		i += at == a_end;
		j += at == b_end;
	}
}

struct answer bench_diff(uint32_t n, double ms)
{
	static struct region *lists[2];
	static uint32_t built;
	struct answer answer = { 0 };
	double start, elapsed;
	uint64_t calls = 0;

	if (built != n) {
		for (int l = 0; l < 2; l++) {
			free(lists[l]);
			lists[l] = malloc(n * sizeof(struct region));
			if (!lists[l]) {
				answer.wrong = "no memory for the regions";
				return answer;
			}
			for (uint32_t i = 0; i < n; i++)
				lists[l][i] = (struct region){
					.iova = (uint64_t)i * 8192, .size = 4096,
					.vaddr = 0x7f0000000000ull + (uint64_t)i * 4096, .flags = 3,
				};
		}
		lists[1][n / 2].vaddr = 0x7e0000000000ull;
		built = n;
	}
	start = now_ns();
	do {
		const struct region *new = lists[(calls + 1) & 1], *old = lists[calls & 1];
		struct delta d;

		if (validate(new, n) < 0)
			answer.wrong = "a valid list was refused";
		diff(old, n, new, n, &d);
		if (d.changed != 4096 || d.kept != (uint64_t)(n - 1) * 4096 || d.added || d.removed)
			answer.wrong = "the difference is not one region";
		calls++;
		elapsed = now_ns() - start;
	} while (elapsed < ms * 1e6);
	answer.ns = elapsed / calls;
	return answer;
}
