// SPDX-License-Identifier: GPL-2.0-only
#include "notes.h"

static void note_losses(const char *queue, const struct facts *facts, notes_say *say)
{
	if (!facts->durable)
		say("the queue '%s' at the broker is not durable: when the broker ends, the queue and its messages are lost",
		    queue);
	if (facts->drops && !facts->dead_letters)
		say("the queue '%s' at the broker drops its oldest messages beyond its x-max-length (x-overflow=reject-publish makes it refuse new ones instead)",
		    queue);
	if (facts->ttl && !facts->dead_letters)
		say("the queue '%s' at the broker drops messages after %lld ms (x-message-ttl)",
		    queue, (long long)facts->ttl);
}

void notes_out(const struct conf_out *conf, const struct facts *facts, unsigned int version,
	       notes_say *say)
{
	const char *queue = conf->routing_key;

	if (!facts->known) {
		say("the arguments of the queue '%s' at the broker cannot be seen: %s", queue,
		    facts->why);
		return;
	}
	note_losses(queue, facts, say);
	if (facts->quorum && version < 40000)
		say("the queue '%s' at the broker is a quorum queue, which has no priorities in this release",
		    queue);
	else if (facts->quorum)
		say("the queue '%s' at the broker is a quorum queue: it has two priorities, below 5 and from 5 on",
		    queue);
	else if (!facts->max_priority)
		say("the queue '%s' at the broker has no x-max-priority: it does not keep the order of priorities",
		    queue);
	else if (facts->max_priority < TQUEUE_PRIORITY_MAX)
		say("the queue '%s' at the broker has no priorities above %d: higher ones count as that",
		    queue, facts->max_priority);
}

void notes_in(const struct conf_in *conf, const struct facts *facts, notes_say *say)
{
	say("the bytes and the priority of the broker's messages are kept; headers, times to live and the other properties are not");
	if (conf->ack == ACK_QUEUED)
		say("with Ack=queued a message is only in the memory of this machine (Ack=settled keeps it at the broker until a worker has done it)");
	if (facts->known)
		note_losses(conf->broker_queue, facts, say);
}
