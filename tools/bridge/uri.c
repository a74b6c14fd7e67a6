// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "rabbit.h"
#include "uri.h"

static int copy(char *to, size_t room, const char *from)
{
	if (strlen(from) >= room)
		return -1;
	strcpy(to, from);
	return 0;
}

/* The end of the part with user, host and port. */
static const char *authority_end(const char *text)
{
	const char *slashes = strstr(text, "://");

	return slashes ? slashes + 3 + strcspn(slashes + 3, "/") : text + strlen(text);
}

const char *uri_parse(struct uri *uri, const char *text)
{
	struct amqp_connection_info info;
	const char *end = authority_end(text), *host;
	char copied[512];

	if (strncmp(text, "amqp://", 7) && strncmp(text, "amqps://", 8))
		return "expected amqp://HOST[:PORT][/VHOST] or amqps://...";
	if (strchr(text, '?') || strchr(text, '#'))
		return "a query is not supported (use the settings of the file)";
	if (memchr(text, ',', (size_t)(end - text)))
		return "more than one host (give each its own URI= line)";
	host = memchr(text, '@', (size_t)(end - text));
	host = host ? host + 1 : strstr(text, "://") + 3;
	/* librabbitmq would use localhost. */
	if (host == end || *host == ':')
		return "no host";
	if (copy(copied, sizeof(copied), text))
		return "too long";
	amqp_default_connection_info(&info);
	info.user = NULL;
	info.password = NULL;
	if (amqp_parse_url(copied, &info))
		return "expected amqp://HOST[:PORT][/VHOST] or amqps://...";
	/* It has defaults of its own for what is not given. */
	if (memchr(text, '@', (size_t)(end - text))) {
		const char *at = memchr(text, '@', (size_t)(end - text));
		const char *user = strstr(text, "://") + 3;

		if (memchr(user, ':', (size_t)(at - user)))
			return "a password does not belong here (tqueue-bridge(8), CREDENTIALS)";
		if (copy(uri->user, sizeof(uri->user), info.user))
			return "the user's name is too long";
	} else {
		uri->user[0] = '\0';
	}
	uri->tls = info.ssl;
	uri->port = info.port;
	if (!*info.host || copy(uri->host, sizeof(uri->host), info.host))
		return "no host";
	if (copy(uri->vhost, sizeof(uri->vhost), *info.vhost ? info.vhost : "/"))
		return "the name of the virtual host is too long";
	return NULL;
}
