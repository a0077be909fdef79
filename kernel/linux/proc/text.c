/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files whose contents are made when they are read: /proc and /sys. The text is made at the first
 * read and at each later one from the beginning, so that one pass over a file sees one moment.
 */
#include "linux/proc/text.h"

#include <linux/errno.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/uapi_fs.h"
#include "mm/slab.h"

#define ROOM_MIN 512
#define TEXT_MAX 127 /* bytes that may be written at once */

struct text_file {
	struct mutex lock; /* covers text */
	struct text text;
	bool made;
	void (*show)(struct text *t, void *arg);
	int (*store)(const char *text, size_t size, void *arg);
	void (*release)(void *arg);
	void *arg;
};

static bool make_room(struct text *t, size_t more)
{
	size_t room = max(t->room, (size_t)ROOM_MIN);
	char *data;

	while (room - t->used < more)
		room *= 2;
	if (room == t->room)
		return true;
	data = krealloc(t->data, room);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->room = room;
	return true;
}

void text_put(struct text *t, const void *data, size_t size)
{
	if (!make_room(t, size))
		return;
	memcpy(t->data + t->used, data, size);
	t->used += size;
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(t->data + t->used, t->room - t->used, fmt, args);
	if ((size_t)n >= t->room - t->used && make_room(t, (size_t)n + 1))
		n = vsnprintf(t->data + t->used, t->room - t->used, fmt, again);
	if ((size_t)n < t->room - t->used)
		t->used += (size_t)n;
	va_end(again);
	va_end(args);
}

/* HOLDS(lock) */
static int make(struct text_file *tf)
{
	tf->text.used = 0;
	tf->text.failed = false;
	tf->show(&tf->text, tf->arg);
	tf->made = !tf->text.failed;
	return tf->made ? 0 : -ENOMEM;
}

static ssize_t text_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct text_file *tf = f->data;
	size_t start = iter_left(to), n = 0;
	int err = 0;

	mutex_lock(&tf->lock);
	if (!*pos || !tf->made)
		err = make(tf);
	if (!err && (uint64_t)*pos < tf->text.used)
		n = min(iter_left(to), tf->text.used - (size_t)*pos);
	if (n)
		err = iter_put(to, tf->text.data + *pos, n);
	mutex_unlock(&tf->lock);
	*pos += (loff_t)(start - iter_left(to));
	return iter_moved(to, start, err);
}

static loff_t text_seek(struct file *f, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return offset < 0 ? -EINVAL : (f->pos = offset);
}

static void text_release(struct file *f)
{
	struct text_file *tf = f->data;

	if (tf->release)
		tf->release(tf->arg);
	kfree(tf->text.data);
	kfree(tf);
}

static const struct file_ops text_ops = {
	.read = text_read,
	.seek = text_seek,
	.release = text_release,
};

int text_open(struct file *f, void (*show)(struct text *t, void *arg), void *arg,
	      void (*release)(void *arg))
{
	struct text_file *tf = kzalloc(sizeof(*tf));

	if (!tf)
		return -ENOMEM;
	mutex_init(&tf->lock);
	tf->show = show;
	tf->arg = arg;
	tf->release = release;
	f->ops = &text_ops;
	f->data = tf;
	return 0;
}

static ssize_t text_write(struct file *f, struct iter *from, loff_t *pos)
{
	struct text_file *tf = f->data;
	char text[TEXT_MAX + 1];
	size_t size = iter_left(from);
	int err;

	if (size > TEXT_MAX)
		return -EINVAL;
	err = iter_get(from, text, size);
	text[size] = '\0';
	if (!err)
		err = tf->store(text, size, tf->arg);
	if (err)
		return err;
	*pos += (loff_t)size;
	return (ssize_t)size;
}

static const struct file_ops text_rw_ops = {
	.read = text_read,
	.write = text_write,
	.seek = text_seek,
	.release = text_release,
};

void text_accept(struct file *f, int (*store)(const char *text, size_t size, void *arg))
{
	struct text_file *tf = f->data;

	tf->store = store;
	f->ops = &text_rw_ops;
}
