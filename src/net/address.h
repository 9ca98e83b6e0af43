/* SPDX-License-Identifier: Apache-2.0 */
/* Which network addresses are of the public Internet (IANA special-purpose registries). */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* What kind of non-public address it is ("loopback", "private", "link-local", ...), NULL when it
 * is a public one. IPv4 addresses inside IPv6 ones are looked at as what they are. */
const char *bake_address_private(const struct sockaddr *address);

/* The same for a host that is written as an address; NULL also for names. "localhost" counts. */
const char *bake_host_private(const char *host);

#endif
