/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nursery
 *
 * The supervisor program, loaded and linked once, from which a manager has each supervisor forked: that takes a tenth of
 * what executing it takes, and what the dynamic linker has written is one memory for all of them. It knows of no
 * container, and has nothing open but the socket that it is asked on. A supervisor that it bears is the manager's child,
 * not its own. It ends with the manager.
 */
#pragma once

/**
 * nursery_serve() - fork whenever the manager sends a connection for the child
 * @socket:  to the manager, SOCK_SEQPACKET; borrowed, and closed in the child
 *
 * Nothing of libsystemd may have been called before that asks for the pid: it remembers it, and isn't told of this fork.
 *
 * Return: the connection, the caller's, in a child; 0 in the nursery, when the manager has gone; -errno.
 */
int nursery_serve(int socket);
