// What operators ask: JSON, and a page for people.
#pragma once

#include "authority.h"
#include "camvault/http/message.h"

namespace camvault::fleetd {

struct ApiRequest {
  const http::Request& message;
  const crypto::Certificate* who = nullptr;  // the operator; null: nobody who may
};

// For "/", "/crl", "/ca.pem" and "/api/v1/...". The list and the CA are for everybody.
http::Response answer_api(Authority& authority, Store& store, const ApiRequest& request, Timestamp now);

}  // namespace camvault::fleetd
