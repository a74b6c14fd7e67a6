// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of tqueue-bridge that need neither driver nor broker.  Prints PASS or FAIL
 * and the name of each test, and what was wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../harness/check.h"
#include "../units/run.h"

#include "../../tools/bridge/facts.h"
#include "../../tools/bridge/properties.h"
#include "../../tools/bridge/seen.h"
#include "../../tools/bridge/uri.h"
#include "../../tools/bridge/window.h"

static void uris(void)
{
	static const struct {
		const char *text;
		int tls, port;
		const char *host, *user, *vhost;
	} good[] = {
		{ "amqp://h", 0, 5672, "h", "", "/" },
		{ "amqp://h/", 0, 5672, "h", "", "/" },
		{ "amqp://h/%2F", 0, 5672, "h", "", "/" },
		{ "amqp://h/%2f", 0, 5672, "h", "", "/" },
		{ "amqp://h/v", 0, 5672, "h", "", "v" },
		{ "amqps://h", 1, 5671, "h", "", "/" },
		{ "amqps://me@h.example.com:99/v", 1, 99, "h.example.com", "me", "v" },
		{ "amqp://[::1]:99", 0, 99, "::1", "", "/" },
		{ "amqp://a%40b@h", 0, 5672, "h", "a@b", "/" },
	};
	static const char *const bad[] = {
		"",
		"h",
		"http://h",
		"amqp:/h",
		"amqp://",
		"amqp:///v",
		"amqp://u:p@h",
		"amqp://u:@h",
		"amqp://:p@h",
		"amqp://h:port",
		"amqp://h?heartbeat=1",
		"amqp://a,b",
		"amqp://h/a/b",
		"amqp://h:99999",
	};
	char text[600];
	struct uri uri;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		const char *wrong = uri_parse(&uri, good[i].text);

		t_true(!wrong, "%s: %s", good[i].text, wrong);
		t_true(uri.tls == good[i].tls && uri.port == good[i].port &&
		       !strcmp(uri.host, good[i].host) && !strcmp(uri.user, good[i].user) &&
		       !strcmp(uri.vhost, good[i].vhost),
		       "%s: tls %d, port %d, host %s, user %s, vhost %s", good[i].text, uri.tls,
		       uri.port, uri.host, uri.user, uri.vhost);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		t_true(!!uri_parse(&uri, bad[i]), "'%s' is taken", bad[i]);
	memset(text, 'h', sizeof(text));
	memcpy(text, "amqp://", 7);
	text[sizeof(text) - 1] = '\0';
	t_true(!!uri_parse(&uri, text), "a long one is taken");
	text[300] = '\0';
	t_true(!!uri_parse(&uri, text), "a long host is taken");
}

static void make(struct tqueue_record *record, uint64_t id)
{
	memset(record, 0, sizeof(*record));
	record->id = id;
	record->length = 10;
	record->delivery = 1;
}

static void add(struct window *window, uint64_t from, uint64_t to)
{
	struct tqueue_record one;

	for (; from <= to; from++) {
		make(&one, from);
		window_add(window, &one);
	}
}

/* Settles what is decided; returns how many had that fate. */
static unsigned int settle(struct window *window, enum fate fate)
{
	unsigned int count = 0;
	uint64_t number;

	for (number = window->first; number < window->next; number++) {
		struct slot *slot = window_slot(window, number);

		if (slot->fate == FATE_OPEN || slot->fate == FATE_SETTLED)
			continue;
		count += slot->fate == fate;
		window_settle(window, slot);
	}
	window_advance(window);
	return count;
}

static void window(void)
{
	struct window it;

	window_init(&it, 8);
	add(&it, 101, 108);
	t_true(window_used(&it) == 8 && it.bytes == 80, "used");
	/* Acks and nacks interleave, and "multiple" takes nothing back. */
	t_true(window_decide(&it, 2, 0, FATE_REFUSED) == 1, "one nack");
	t_true(window_decide(&it, 4, 1, FATE_CONFIRMED) == 3, "acks up to 4, but 2");
	t_true(window_decide(&it, 4, 0, FATE_REFUSED) == 0, "4 again");
	t_true(it.decided == 4, "decided");
	t_true(settle(&it, FATE_REFUSED) == 1, "the nack stays one");
	t_true(window_used(&it) == 4 && it.bytes == 40 && !it.decided, "used after 4");
	t_true(window_decide(&it, 1, 0, FATE_CONFIRMED) == -1, "one that is over");
	t_true(window_decide(&it, 9, 0, FATE_CONFIRMED) == -1, "one that was not published");
	t_true(window_decide(&it, 9, 1, FATE_CONFIRMED) == -1, "many that were not published");
	/* What comes back first is not confirmed by the ack that follows. */
	t_true(!!window_return(&it, 106), "106 returns");
	t_true(!window_return(&it, 101), "101 cannot return");
	t_true(window_decide(&it, 6, 1, FATE_CONFIRMED) == 2, "acks up to 6");
	t_true(!window_return(&it, 106), "106 returns again");
	t_true(settle(&it, FATE_RETURNED) == 1, "the return wins");
	add(&it, 109, 114);
	t_true(window_used(&it) == 8, "full again");
	t_true(window_decide(&it, 0, 1, FATE_CONFIRMED) == 8, "all");
	t_true(settle(&it, FATE_CONFIRMED) == 8 && !window_used(&it) && !it.bytes,
	       "empty");
	window_restart(&it);
	add(&it, 1, 3);
	t_true(window_decide(&it, 3, 0, FATE_CONFIRMED) == 1 &&
	       settle(&it, FATE_CONFIRMED) == 1,
	       "the last one first");
	t_true(window_used(&it) == 3, "the place of the others stays");
	free(it.slots);
}

static void hash_of(unsigned char hash[SEEN_HASH], unsigned int number)
{
	char text[32];

	snprintf(text, sizeof(text), "m-%u", number);
	seen_hash(hash, text, strlen(text));
}

static int find(const struct seen *seen, unsigned int number)
{
	unsigned char hash[SEEN_HASH];
	uint64_t id = 0;

	hash_of(hash, number);
	return seen_find(seen, hash, &id) && id == number;
}

static void remember(struct seen *seen, unsigned int number)
{
	unsigned char hash[SEEN_HASH];

	hash_of(hash, number);
	seen_add(seen, hash, number);
}

static void seen_ids(void)
{
	static const unsigned char uuid[16] = { 1 }, other[16] = { 2 };
	const uint64_t hour = 3600000000000;
	const char *path = "/tmp/bridge-units-seen";
	unsigned char hash[SEEN_HASH];
	struct seen seen, second;
	unsigned int i;
	char text[256];

	unlink(path);
	t_true(!seen_open(&seen, path, 100, hour, uuid, text, sizeof(text)), "open: %s", text);
	for (i = 1; i <= 250; i++) {
		t_true(!find(&seen, i), "%u is there too early", i);
		remember(&seen, i);
		t_true(find(&seen, i), "%u is not there", i);
		t_true(i <= 100 || !find(&seen, i - 100), "%u is there too long", i - 100);
	}
	t_true(find(&seen, 151), "151 is not there");
	/* One that comes again is not older than it was. */
	remember(&seen, 160);
	hash_of(hash, 170);
	seen_forget(&seen, hash);
	t_true(!find(&seen, 170) && find(&seen, 160) && find(&seen, 171), "forgetting");
	t_true(seen_open(&second, path, 100, hour, uuid, text, sizeof(text)) &&
	       strstr(text, "another"),
	       "two at a time");
	seen_close(&seen);
	t_true(!seen_open(&seen, path, 100, hour, uuid, text, sizeof(text)),
	       "open again: %s", text);
	t_true(find(&seen, 250) && find(&seen, 160) && !find(&seen, 170) && find(&seen, 200),
	       "kept in the file");
	seen.keep_ns = 1;
	usleep(1000);
	t_true(!find(&seen, 250), "too old");
	seen_close(&seen);
	t_true(!seen_open(&seen, path, 100, hour, other, text, sizeof(text)) && !find(&seen, 250),
	       "another queue's");
	remember(&seen, 1);
	seen_close(&seen);
	t_true(!seen_open(&seen, path, 50, hour, other, text, sizeof(text)) && !find(&seen, 1),
	       "of another size");
	seen_close(&seen);
	t_true(!truncate(path, 77) && !seen_open(&seen, path, 50, hour, other, text, sizeof(text)),
	       "one that is torn: %s", text);
	seen_close(&seen);
	t_true(!seen_open(&seen, "/nowhere/seen", 0, hour, other, text, sizeof(text)) &&
	       !find(&seen, 1),
	       "none is wanted");
	remember(&seen, 1);
	t_true(!find(&seen, 1), "none is remembered");
	t_true(seen_open(&seen, "/nowhere/seen", 50, hour, other, text, sizeof(text)) &&
	       strstr(text, "/nowhere/seen") && strstr(text, "No such file"),
	       "no directory: %s", text);
	unlink(path);
}

static void mapping(void)
{
	struct tqueue_info info = { .name = "q", .uuid = { 0xab, 0xcd }, .ttl = 10000000000 };
	struct tqueue_record one;
	amqp_basic_properties_t properties = { ._flags = 0, .priority = 9 };
	struct published published;
	struct mapping it;
	long long left;

	mapping_set(&it, &info);
	make(&one, 18446744073709551615ULL);
	one.sent_ns = it.boot_ns - 4000000000;
	one.priority = 63;
	mapping_publish(&it, &published, &one);
	t_true(published.properties.message_id.len ==
	       strlen("abcd0000-0000-0000-0000-000000000000/18446744073709551615") &&
	       !memcmp(published.properties.message_id.bytes,
	       "abcd0000-0000-0000-0000-000000000000/18446744073709551615",
	       published.properties.message_id.len),
	       "message-id %.*s", (int)published.properties.message_id.len,
	       (char *)published.properties.message_id.bytes);
	t_true(mapping_id(&it, published.properties.message_id) == one.id, "back");
	one.id = 7;
	mapping_publish(&it, &published, &one);
	t_true(mapping_id(&it, published.properties.message_id) == 7, "7 and back");
	left = atoll(published.expiration);
	t_true(left == 6000, "expiration %lld", left);
	t_true(published.properties.delivery_mode == 2 && published.properties.priority == 63,
	       "mode and priority");
	one.sent_ns = it.boot_ns - 20000000000;
	mapping_publish(&it, &published, &one);
	t_true(!strcmp(published.expiration, "1"), "one that is too old: %s", published.expiration);
	t_true(!mapping_id(&it, amqp_cstring_bytes("abcd0000-0000-0000-0000-000000000000/")),
	       "no id");
	t_true(!mapping_id(&it, amqp_cstring_bytes("abce0000-0000-0000-0000-000000000000/1")),
	       "another queue's");
	t_true(!mapping_id(&it, amqp_cstring_bytes("")), "none");
	t_true(!mapping_priority(&properties), "no priority");
	properties._flags = AMQP_BASIC_PRIORITY_FLAG;
	t_true(mapping_priority(&properties) == 9, "9");
	properties.priority = 255;
	t_true(mapping_priority(&properties) == 63, "255");
}

static void limits(void)
{
	struct facts facts = { .known = 1, .quorum = 1, .limit = -1 };

	t_true(!facts_lose_deliveries(&facts, 31008), "3.10: none");
	t_true(facts_lose_deliveries(&facts, 40005), "4.0: 20");
	facts.has_limit = 1;
	t_true(!facts_lose_deliveries(&facts, 40005), "4.0: -1");
	t_true(facts_lose_deliveries(&facts, 31008), "3.10: -1, which is a limit there");
	facts.limit = 5;
	t_true(facts_lose_deliveries(&facts, 31008) && facts_lose_deliveries(&facts, 40005), "5");
	facts.dead_letters = 1;
	t_true(!facts_lose_deliveries(&facts, 40005), "dead letters");
	facts = (struct facts){ .known = 1, .limit = -1 };
	t_true(!facts_lose_deliveries(&facts, 40005), "classic");
	facts.known = 0;
	t_true(facts_lose_deliveries(&facts, 40005) && !facts_lose_deliveries(&facts, 31008),
	       "unknown");
}

int main(void)
{
	static const struct unit tests[] = {
		{ "uris", uris },
		{ "acks_nacks_and_returns", window },
		{ "seen_ids", seen_ids },
		{ "mapping", mapping },
		{ "limits", limits },
	};

	return units_run("bridge.units", tests, ARRAY_SIZE(tests));
}
