// The client commands of the command line: what main.cc calls once broker/options has filled the structs.
#pragma once

#include "client/demo.h"
#include "client/healthcheck.h"
#include "client/prestop.h"
#include "client/pub.h"
#include "client/sub.h"
#include "client/top.h"
