/* SPDX-License-Identifier: BSD-2-Clause */
/* The console as a terminal: /dev/console, /dev/tty, /dev/ttyAMA0. */
#pragma once

struct file;

void tty_init(void);
/* The end of a session's leader: the terminal is nobody's again. */
void tty_session_ends(int sid);
