#include "camvault/cloud/profile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "camvault/base/file.h"
#include "camvault/test_support/temporary_folder.h"

namespace camvault::cloud {
namespace {

class Profiles : public testing::Test {
 protected:
  Result<Profile> load(std::string_view text) {
    EXPECT_TRUE(write_file_atomically(file_, as_bytes(text)));
    return load_profile(file_);
  }
  test_support::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "cloud.toml";
};

TEST_F(Profiles, DefaultsAndPaths) {
  const auto profile =
      load("[mqtt]\nhost = \"cloud.test\"\n[tls]\nanchors = \"ca.pem\"\nlists = [\"/x/crl.pem\"]\n");
  ASSERT_TRUE(profile) << profile.error().what;
  EXPECT_EQ(profile->port, 8883);
  EXPECT_EQ(profile->anchors, folder_.path() / "ca.pem");
  EXPECT_EQ(profile->lists.front(), "/x/crl.pem");
  EXPECT_FALSE(profile->secrets_in_keystore);
  const Device device{"S1", "Camera S1"};
  EXPECT_EQ(client_id(*profile, device).value(), "S1");
  EXPECT_EQ(topic(*profile, device, "events/motion").value(), "devices/S1/events/motion");
}

// No policy, no connection (NC-2-1); a misspelled rule is not a missing one.
TEST_F(Profiles, Refusals) {
  const std::string mqtt = "[mqtt]\nhost = \"h\"\n";
  EXPECT_FALSE(load(mqtt + "[tls]\n"));
  EXPECT_FALSE(load(mqtt));
  EXPECT_FALSE(load("[mqtt]\n[tls]\nanchors = \"a\"\n"));
  EXPECT_FALSE(load(mqtt + "prot = 1\n[tls]\nanchors = \"a\"\n"));
  EXPECT_FALSE(load(mqtt + "port = 0\n[tls]\nanchors = \"a\"\n"));
  EXPECT_FALSE(load(mqtt + "topic = \"x\"\n[tls]\nanchors = \"a\"\n"));
  EXPECT_FALSE(load(mqtt + "[tls]\nanchors = \"a\"\nsecrets = \"here\"\n"));
  EXPECT_FALSE(load(mqtt + "[tls]\nanchors = \"a\"\npsk_identity = \"i\"\npsk_key = \"camera/psk\"\n"));
  EXPECT_FALSE(load(mqtt + "[tls]\npsk_identity = \"i\"\npsk_key = \"camera/psk\"\n"));
  EXPECT_FALSE(load(mqtt + "[tls]\npsk_identity = \"i\"\nsecrets = \"keystore\"\n"));
  EXPECT_TRUE(load(mqtt + "[tls]\npsk_identity = \"i\"\npsk_key = \"camera/psk\"\nsecrets = \"keystore\"\n"));
  ASSERT_EQ(::chmod(file_.c_str(), 0666), 0);
  EXPECT_EQ(load_profile(file_).error().code, Errc::denied);
}

TEST_F(Profiles, Https) {
  const auto profile = load(
      "[https]\nurl = \"https://cloud.test:8443/devices/{serial}/{topic}/{id}?by={common_name}\"\n"
      "method = \"PUT\"\n[tls]\nanchors = \"ca.pem\"\n");
  ASSERT_TRUE(profile) << profile.error().what;
  EXPECT_EQ(profile->transport, Transport::https);
  EXPECT_EQ(profile->host, "cloud.test");
  EXPECT_EQ(profile->port, 8443);
  const Device device{"S1", "Camera S1"};
  EXPECT_EQ(target(*profile, device, "events/motion", "0-1").value(),
            "/devices/S1/events/motion/0-1?by=Camera%20S1");
  EXPECT_EQ(target(*profile, {"S1", "x?%\xc3\xa4"}, "t", "1").value(), "/devices/S1/t/1?by=x%3F%25%C3%A4");
  EXPECT_EQ(destination(*profile, device, "t").value(),
            "https://cloud.test:8443/devices/S1/t/{id}?by=Camera%20S1");
}

// NC-2-1, NC-2-3: no plain HTTP, no server of no name, nothing that replaces what was sent before.
TEST_F(Profiles, HttpsRefusals) {
  const std::string tls = "[tls]\nanchors = \"a\"\n";
  const auto https = [](const std::string& url) { return "[https]\nurl = \"" + url + "\"\n"; };
  const auto good = https("https://h/{topic}");
  EXPECT_TRUE(load(good + tls));
  EXPECT_TRUE(load(good + "method = \"POST\"\ncontent_type = \"application/json\"\n" + tls));
  EXPECT_FALSE(load(https("http://h/{topic}") + tls));
  EXPECT_FALSE(load(https("https://{serial}.h/{topic}") + tls));
  EXPECT_FALSE(load(https("https://u:p@h/{topic}") + tls));
  EXPECT_FALSE(load(https("https://h/") + tls));
  EXPECT_FALSE(load("[https]\nmethod = \"POST\"\n" + tls));
  EXPECT_FALSE(load(good + "method = \"PUT\"\n" + tls));
  EXPECT_FALSE(load(good + "method = \"GET\"\n" + tls));
  EXPECT_FALSE(load(good + "host = \"h\"\n" + tls));
  EXPECT_FALSE(load(good + "[mqtt]\nhost = \"h\"\n" + tls));
  EXPECT_FALSE(load(good + "[tls]\nsecrets = \"keystore\"\n"));
  EXPECT_FALSE(
      load(good + "[tls]\npsk_identity = \"i\"\npsk_key = \"camera/psk\"\nsecrets = \"keystore\"\n"));
  const auto profile = load(good + tls).value();
  for (const char* name : {"", "..", "a/../../S2/x", "a//b", "./a", "a?b", "a%2f..", "{id}"})
    EXPECT_FALSE(target(profile, {"S1", "C"}, name, "1")) << name;
  const auto bound = load(https("https://h/{serial}/{topic}") + tls).value();
  for (const char* serial : {"", "..", ".", "S1/../S2", "{topic}"})
    EXPECT_FALSE(target(bound, {serial, "C"}, "t", "1")) << serial;
}

// NC-2-3: the device in a topic is the one of the certificate.
TEST_F(Profiles, TopicsAndMessagesAreOfThisDevice) {
  const auto profile = load(
                           "[mqtt]\nhost = \"h\"\ntopic = \"d/{common_name}/{topic}\"\nusername = "
                           "\"{host}/{serial}\"\n[tls]\nanchors = \"a\"\n")
                           .value();
  EXPECT_EQ(topic(profile, {"S1", "Camera S1"}, "t").value(), "d/Camera S1/t");
  EXPECT_EQ(username(profile, {"S1", "x"}).value(), "h/S1");
  for (const char* name : {"", "a/b", "#", "a+", "{topic}", "a\nb"})
    EXPECT_FALSE(topic(profile, {"S1", name}, "t")) << name;
  for (const char* name : {"", "/t", "t/", "a b", "#", "+", "\xc3\xa4", "../+/x"})
    EXPECT_FALSE(topic(profile, {"S1", "C"}, name)) << name;
  const Device device{"S1", "C"};
  EXPECT_TRUE(check_payload("{\"device\": \"S1\", \"x\": 1}", device));
  EXPECT_TRUE(check_payload("not JSON", device));
  EXPECT_TRUE(check_payload("[{\"device\": \"S2\"}]", device));
  EXPECT_EQ(check_payload("{\"device\": \"S2\"}", device).error().code, Errc::denied);
  EXPECT_EQ(check_payload("{\"serial\": 7}", device).error().code, Errc::denied);
}

}  // namespace
}  // namespace camvault::cloud
