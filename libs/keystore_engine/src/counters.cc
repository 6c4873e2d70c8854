// Counters. In a module that has some: a number of one of those, which nothing sets back. In the software
// backend: the value itself, sealed in the key's file, which an old copy of the disk sets back. It is a
// stand-in, and its key says so by its backend.
#include "camvault/base/byte_reader.h"
#include "camvault/base/byte_writer.h"
#include "camvault/keystore_engine/engine.h"

namespace camvault::keystore_engine {

using keystore::KeyInfo;
using keystore::ServiceError;

namespace {
constexpr std::uint8_t kInModule = 1;
constexpr std::uint8_t kStored = 2;
constexpr std::string_view kStandIn = "software";

struct CounterHandle {
  std::uint8_t form = kInModule;
  std::uint64_t value = 0;  // the counter's number there, or its value
};

Secret encode(const CounterHandle& handle) {
  ByteWriter out;
  out.u8(handle.form);
  out.u64(handle.value);
  return Secret(out.view());
}

Result<CounterHandle> decode(const Secret& handle) {
  return handle.reveal([](BytesView bytes) -> Result<CounterHandle> {
    ByteReader in(bytes);
    CounterHandle out;
    CAM_TRY(out.form, in.u8());
    CAM_TRY(out.value, in.u64());
    CAM_TRY_STATUS(in.finish());
    const bool in_range = out.form == kStored || (out.form == kInModule && out.value < Backend::kCounters);
    if (!in_range) return fail(Errc::invalid, "a counter's handle of another form");
    return out;
  });
}
}  // namespace

Answer<std::uint32_t> Engine::free_counter(const Backend& backend) const {
  std::vector<RecordPtr> counters;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [name, record] : keys_) {
      if (record->info.type == KeyType::counter && record->info.backend == backend.name())
        counters.push_back(record);
    }
  }
  std::uint32_t used = 0;
  for (const auto& record : counters) {
    CAM_TRY(const auto bytes, read_handle(*record));
    CAM_TRY(const auto handle, decode(bytes));
    used |= 1u << handle.value;
  }
  for (std::uint32_t number = 0; number < Backend::kCounters; ++number) {
    if ((used & (1u << number)) == 0) return number;
  }
  return keystore::refuse(ServiceError::limit, "all counters of the module are taken");
}

Answer<KeyInfo> Engine::add_counter(const KeyName& name, keystore::KeyPolicy policy, Backend& backend) {
  const std::lock_guard choosing(counters_);
  CounterHandle handle{.form = kStored, .value = 0};
  if (backend.capabilities().counters) {
    CAM_TRY(const auto number, free_counter(backend));
    CAM_TRY_STATUS(backend.read_counter(number));  // makes it if it is not there
    handle = {.form = kInModule, .value = number};
  } else if (backend.kind() != kStandIn) {
    return keystore::refuse(ServiceError::unsupported, "the backend has no counters");
  }
  return add_key(name, KeyType::counter, std::move(policy), keystore::Origin::generated_inside, backend,
                 [&]() -> Result<NewKey> {
                   return NewKey{encode(handle), {}};
                 });
}

Answer<std::uint64_t> Engine::stored_counter(const RecordPtr& record, bool increment) {
  CAM_TRY(const auto bytes, read_handle(*record));
  CAM_TRY(auto handle, decode(bytes));
  if (!increment) return handle.value;
  if (handle.value == ~std::uint64_t{0})
    return keystore::refuse(ServiceError::limit, "the counter is at its end");
  ++handle.value;
  CAM_TRY(const auto file, sealed_file(*record, encode(handle)));
  {
    const std::lock_guard writing(writing_);
    CAM_TRY_STATUS(store_.replace(file_name_of(record->info.name), file));
  }
  return handle.value;
}

Answer<std::uint64_t> Engine::use_counter(const RecordPtr& record, bool increment) {
  const std::lock_guard changing(counters_);
  CAM_TRY_STATUS(begin_change(record->info.name));  // it must not be removed meanwhile
  auto value = [&]() -> Answer<std::uint64_t> {
    CAM_TRY(const auto still, find(record->info.name));
    CAM_TRY(const auto bytes, read_handle(*still));
    CAM_TRY(const auto handle, decode(bytes));
    if (handle.form == kStored) return stored_counter(still, increment);
    auto* backend = backend_named(still->info.backend);  // load() took no key without its backend
    const auto number = static_cast<std::uint32_t>(handle.value);
    CAM_TRY(const auto now, increment ? backend->increment_counter(number) : backend->read_counter(number));
    return now;
  }();
  end_change(record->info.name);
  return value;
}

Answer<std::uint64_t> Engine::read_counter(const Caller& who, const KeyName& name) {
  CAM_TRY(const auto record, authorise_named_use(who, Operation::read_counter, name));
  return use_counter(record, false);
}

Answer<std::uint64_t> Engine::increment_counter(const Caller& who, const KeyName& name) {
  CAM_TRY(const auto record, authorise_named_use(who, Operation::increment_counter, name));
  return use_counter(record, true);
}

}  // namespace camvault::keystore_engine
