// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling of the room that receivers made: see room.h.
 */
#include "room.h"
#include "tqueue.h"
#include "wake.h"

/**
 * tq_pay_debt - give others what a receive that made room owes them
 * @queue: the queue
 * @debt: TQ_OWES_*
 *
 * Context: Process context, no lock held; takes both.
 */
void tq_pay_debt(struct tqueue *queue, unsigned int debt)
{
	if (debt & TQ_OWES_LINE)
		tq_move_up(queue);
	if (debt & TQ_OWES_POLLERS)
		tq_wake_pollers_out(queue);
	if (debt & TQ_OWES_WAITERS)
		tq_wake_done(queue);
	if (debt & TQ_OWES_END && tq_drained(queue))
		tq_wake_ended(queue);
}
