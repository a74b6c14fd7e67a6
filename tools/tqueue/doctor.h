/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of 'tqueue doctor'.  Each checks something, and adds what it finds. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdint.h>
#include <tqueue.h>

#include "findings.h"
#include "processes.h"

/*
 * Checks the driver and the kernels that it is built for.  Returns whether it is loaded.
 */
int doctor_module(struct findings *findings);

/* Checks whether running units of systemd may use only devices that are gone. */
void doctor_units(struct findings *findings);

/* Checks the memory cgroups of the processes that have queues open. */
void doctor_memory(struct findings *findings, const struct processes *processes);

/*
 * Checks one queue.  What lasts for less than @age nanoseconds is no problem.  If the
 * user named the queue (@named), a queue that cannot be opened is a finding, too.
 */
void doctor_queue(struct findings *findings, const struct tqueue_info *info,
		  const struct processes *processes, uint64_t age, int named);

#endif /* DOCTOR_H */
