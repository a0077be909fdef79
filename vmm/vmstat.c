/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VM of this host does, read from /proc/stet/vm/N (docs/stat.md): of any program's, on a Stet host.
 * Words and lines that are not known here are passed over, as the format asks.
 */
#include "vmstat.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define SQUARES_UNIT 1048576.0 /* ns² */
#define TEXT_MAX     (256 << 10)

static struct vcpu_stat *vcpu_of(struct vm_stat *s, unsigned id)
{
	unsigned i;

	for (i = 0; i < s->vcpu_count; i++)
		if (s->vcpus[i].id == id)
			return &s->vcpus[i];
	if (i == VCPUS_MAX)
		return NULL;
	s->vcpu_count++;
	s->vcpus[i] = (struct vcpu_stat){ .id = id };
	return &s->vcpus[i];
}

/* Its place among the reasons met so far; REASONS_MAX: there are too many. */
static unsigned reason_of(struct vm_stat *s, const char *name)
{
	unsigned i = 0;

	while (i < s->reason_count && strcmp(s->reasons[i], name))
		i++;
	if (i == s->reason_count && i < REASONS_MAX) {
		snprintf(s->reasons[i], sizeof(s->reasons[i]), "%s", name);
		s->reason_count++;
	}
	return i;
}

static void parse_exit(struct vm_stat *s, const char *line)
{
	struct exit_stat e;
	struct vcpu_stat *v;
	char name[16];
	unsigned id, reason;

	if (sscanf(line, "exit %u %15s %" SCNu64 " %" SCNu64 " %lf %lf %lf %lf", &id, name, &e.count, &e.timed,
		   &e.sum, &e.least, &e.most, &e.squares) != 8)
		return;
	e.squares *= SQUARES_UNIT;
	v = vcpu_of(s, id);
	reason = reason_of(s, name);
	if (v && reason < REASONS_MAX)
		v->exits[reason] = e;
}

static void parse_line(struct vm_stat *s, const char *line)
{
	struct vcpu_stat *v, n;

	if (sscanf(line, "vm %u pid %d vcpus %*u watched %lf", &s->number, &s->pid, &s->watched) == 3)
		return;
	if (sscanf(line, "vcpu %u guest %lf host %lf idle %lf", &n.id, &n.guest, &n.host, &n.idle) == 4) {
		v = vcpu_of(s, n.id);
		if (v) {
			v->guest = n.guest;
			v->host = n.host;
			v->idle = n.idle;
		}
	} else if (sscanf(line, "bank %u guest %" SCNu64 " %" SCNu64 " vector %" SCNu64 " %" SCNu64, &n.id, &n.saves,
			  &n.loads, &n.vector_saves, &n.vector_loads) == 5) {
		v = vcpu_of(s, n.id);
		if (v) {
			v->saves = n.saves;
			v->loads = n.loads;
			v->vector_saves = n.vector_saves;
			v->vector_loads = n.vector_loads;
		}
	} else {
		parse_exit(s, line);
	}
}

/* The whole text, ended by a NUL; NULL: there is none. */
static char *read_all(int fd)
{
	static char text[TEXT_MAX];
	size_t used = 0;
	ssize_t n;

	while ((n = pread(fd, text + used, sizeof(text) - 1 - used, (off_t)used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	return used ? text : NULL;
}

bool vmstat_read(int fd, struct vm_stat *s)
{
	char *rest, *text = read_all(fd), *line = text ? strtok_r(text, "\n", &rest) : NULL;

	if (!line)
		return false;
	if (strcmp(line, "stet-vm 1"))
		die(VMSTAT_DIR " says '%s', which this stet does not know", line);
	memset(s, 0, sizeof(*s));
	while ((line = strtok_r(NULL, "\n", &rest)))
		parse_line(s, line);
	return true;
}

int vmstat_open(unsigned number)
{
	char path[40];

	snprintf(path, sizeof(path), VMSTAT_DIR "/%u", number);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_of(unsigned number, int pid)
{
	static struct vm_stat s;
	int fd = vmstat_open(number);
	bool of = fd >= 0 && vmstat_read(fd, &s) && s.pid == pid;

	if (fd >= 0)
		close(fd);
	return of;
}

unsigned vmstat_next(unsigned above, int pid)
{
	DIR *dir = opendir(VMSTAT_DIR);
	struct dirent *e;
	unsigned found = 0;

	while (dir && (e = readdir(dir))) {
		unsigned n = (unsigned)atoi(e->d_name);

		if (n > above && (!found || n < found) && (!pid || is_of(n, pid)))
			found = n;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* ---- sums ---- */

static void exit_subtract(struct exit_stat *e, const struct exit_stat *before)
{
	e->count -= before->count;
	e->timed -= before->timed;
	e->sum -= before->sum;
	e->squares -= before->squares;
}

static void exit_add(struct exit_stat *sum, const struct exit_stat *e)
{
	if (e->timed && (!sum->timed || e->least < sum->least))
		sum->least = e->least;
	sum->most = sum->most > e->most ? sum->most : e->most;
	sum->count += e->count;
	sum->timed += e->timed;
	sum->sum += e->sum;
	sum->squares += e->squares;
}

/* sum += sign * v but for exits. */
static void vcpu_add(struct vcpu_stat *sum, const struct vcpu_stat *v, int sign)
{
	sum->guest += sign * v->guest;
	sum->host += sign * v->host;
	sum->idle += sign * v->idle;
	sum->saves += (uint64_t)sign * v->saves;
	sum->loads += (uint64_t)sign * v->loads;
	sum->vector_saves += (uint64_t)sign * v->vector_saves;
	sum->vector_loads += (uint64_t)sign * v->vector_loads;
}

void vmstat_subtract(struct vm_stat *s, const struct vm_stat *before)
{
	s->watched -= before->watched;
	for (unsigned i = 0; i < before->vcpu_count; i++) {
		const struct vcpu_stat *old = &before->vcpus[i];
		struct vcpu_stat *v = vcpu_of(s, old->id);

		if (!v)
			continue;
		vcpu_add(v, old, -1);
		for (unsigned r = 0; r < before->reason_count; r++) {
			unsigned to = reason_of(s, before->reasons[r]);

			if (to < REASONS_MAX)
				exit_subtract(&v->exits[to], &old->exits[r]);
		}
	}
}

void vmstat_add(struct vm_stat *sum, const struct vm_stat *s)
{
	sum->number = s->number;
	sum->pid = s->pid;
	sum->watched += s->watched;
	for (unsigned i = 0; i < s->vcpu_count; i++) {
		struct vcpu_stat *v = vcpu_of(sum, s->vcpus[i].id);

		if (!v)
			continue;
		vcpu_add(v, &s->vcpus[i], 1);
		for (unsigned r = 0; r < s->reason_count; r++) {
			unsigned to = reason_of(sum, s->reasons[r]);

			if (to < REASONS_MAX)
				exit_add(&v->exits[to], &s->vcpus[i].exits[r]);
		}
	}
}

void vmstat_sum(const struct vm_stat *s, int only, struct vcpu_stat *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < s->vcpu_count; i++) {
		const struct vcpu_stat *v = &s->vcpus[i];

		if (only >= 0 && v->id != (unsigned)only)
			continue;
		vcpu_add(sum, v, 1);
		for (unsigned r = 0; r < s->reason_count; r++)
			exit_add(&sum->exits[r], &v->exits[r]);
	}
}
