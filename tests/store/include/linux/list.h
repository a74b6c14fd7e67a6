/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STORE_LIST_H
#define STORE_LIST_H

struct hlist_node {
	struct hlist_node *next, **pprev;
};

#endif
