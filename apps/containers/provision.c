// SPDX-License-Identifier: MIT
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"

static void mount_answered(struct host_call *call, error_t error, uint32_t value, struct span text)
{
	struct container *c = container_of(call, struct container, provision.call);

	c->provision.asking = false;
	if (mounts_answered(c, error, value, text))
		container_order(c);
}

static void port_answered(struct host_call *call, error_t error, uint32_t value, struct span text)
{
	struct container *c = container_of(call, struct container, provision.call);

	(void)value;
	c->provision.asking = false;
	if (ports_answered(c, error, text))
		container_order(c);
}

bool provision_advance(struct container *c)
{
	struct provision *p = &c->provision;

	if (p->asking || !visit_is_over(c) || !layer_advance(c))
		return false;
	// Set before the host is asked: it may answer from within.
	p->asking = true;
	p->call.done = mount_answered;
	if (mounts_ask(c))
		return false;
	p->asking = false;
	if (!p->done && !p->chosen) {
		if (!ports_choose(c))
			return false;
		p->chosen = true;
	}
	if (p->next_port < c->ports.count) {
		p->asking = true;
		p->call.done = port_answered;
		ports_ask(c);
		return false;
	}
	p->done = true;
	return true;
}

void provision_end(struct container *c)
{
	layer_end(c);
	if (c->provision.asking)
		host_cancel(&c->all->host, &c->provision.call);
	c->provision = (struct provision){ 0 };
	ports_release(c);
}
