/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STORE_LIST_H
#define STORE_LIST_H

struct list_head {
	struct list_head *next, *prev;
};

#endif
