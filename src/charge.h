/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of all rings, limited by max_memory.
 */
#ifndef TQ_CHARGE_H
#define TQ_CHARGE_H

/*
 * main.c: the most bytes that the rings of all named queues may take; 0 means a
 * quarter of the machine's memory.
 */
extern unsigned long tq_max_memory;

int tq_charge(unsigned long from, unsigned long to);

#endif /* TQ_CHARGE_H */
