/* SPDX-License-Identifier: MIT */
/*
 * The C yardstick: one command a line on stdin (`walk 65536 50`, `split 50`, …; the last number is the time of a sample
 * in milliseconds), one answer a line on stdout: `ok NS [NS]` or `wrong SENTENCE`. The process stays warm in between.
 */
#include <stdio.h>
#include <string.h>

#include "yardstick.h"

static struct answer answer_to(const char *name, double a, double b)
{
	static const struct {
		const char *name;
		struct answer (*sized)(uint32_t size, double ms);
		struct answer (*plain)(double ms);
	} rows[] = {
		{ "walk", bench_walk, NULL },
		{ "diff", bench_diff, NULL },
		{ "map", NULL, bench_map },
		{ "split", NULL, bench_split },
		{ "store", NULL, bench_store },
		{ "threads", NULL, bench_threads },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(name, rows[i].name))
			return rows[i].sized ? rows[i].sized((uint32_t)a, b) : rows[i].plain(a);
	}
	return (struct answer){ .wrong = "unknown row" };
}

int main(void)
{
	char line[128], name[32];

	while (fgets(line, sizeof(line), stdin)) {
		double a = 0, b = 0;
		struct answer answer;

		if (sscanf(line, "%31s %lf %lf", name, &a, &b) < 2) {
			puts("wrong a command is NAME [SIZE] MILLISECONDS");
		} else {
			answer = answer_to(name, a, b);
			if (answer.wrong)
				printf("wrong %s\n", answer.wrong);
			else
				printf("ok %.6f %.6f\n", answer.ns, answer.second_ns);
		}
		fflush(stdout);
	}
	return 0;
}
