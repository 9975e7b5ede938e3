/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The containers' objects on the bus
 */
#pragma once

#include "manager/manager.h"

/** container_bus_add() - publish org.pflask.Container1 for every container there is and will be. Return: 0; -errno. */
int container_bus_add(Manager *manager, sd_bus *bus);
