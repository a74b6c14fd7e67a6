/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module itself.
 *
 * Environment:
 *   TQUEUE_KO      module file, for tests that want other parameters
 */
#ifndef TQUEUE_TESTS_MODULE_H
#define TQUEUE_TESTS_MODULE_H

#include <stdbool.h>

const char *t_module_file(void);	/* NULL: there is none */
bool t_module_loaded(void);
int t_load(const char *params);	/* 0 or an errno */
int t_unload(void);			/* 0 or an errno */
int t_references(void);

#endif
