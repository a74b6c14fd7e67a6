/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is shared, that faults, or that comes when a test gives it. */
#ifndef TQUEUE_TESTS_MEMORY_H
#define TQUEUE_TESTS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void *t_shared(size_t len);		/* seen by children too */
char *t_edge(size_t len);		/* len bytes, then memory that faults */
void t_edge_free(char *edge, size_t len);
size_t t_page(void);
void t_needs_small_pages(void);		/* or it is skipped */

/* Memory that is not there yet: who touches it waits in a page fault. */
struct t_stall {
	int uffd;
	char *map;
	size_t len;
};

void t_stall_make(struct t_stall *stall, size_t len);
void t_stall_wait(struct t_stall *stall);
bool t_stall_hit(struct t_stall *stall, int timeout_ms);
void t_stall_give(struct t_stall *stall, const void *from, size_t at,
		  size_t len);
void t_stall_spoil(struct t_stall *stall);
void t_stall_by_turns(struct t_stall *stall, const void *from);
void t_stall_release(struct t_stall *stall, const void *from);

#endif
