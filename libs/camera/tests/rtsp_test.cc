// Against a real RTSP server on the loopback, with and without TLS.
#include <gst/rtsp-server/rtsp-server.h>
#include <gtest/gtest.h>

#include <thread>

#include "camvault/base/file.h"
#include "camvault/camera/camera.h"
#include "camvault/test_support/program.h"
#include "camvault/test_support/temporary_folder.h"
#include "library_leaks.h"

// The cast macros of GLib and GStreamer are C.
#pragma GCC diagnostic ignored "-Wold-style-cast"

namespace camvault::camera {
namespace {

using codec::Codec;
using test_support::run_program;

class RtspTest : public testing::Test {
 protected:
  void SetUp() override {
    gst_init(nullptr, nullptr);
    context_ = g_main_context_new();
    loop_ = g_main_loop_new(context_, 0);
  }

  // A server of one camera at /live that asks for a user if `password` is given, and speaks TLS if `tls`.
  void serve(const char* launch, bool tls, const char* password = nullptr) {
    server_ = gst_rtsp_server_new();
    gst_rtsp_server_set_address(server_, "127.0.0.1");
    gst_rtsp_server_set_service(server_, "0");
    auto* mounts = gst_rtsp_server_get_mount_points(server_);
    auto* factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(factory, launch);
    gst_rtsp_media_factory_set_shared(factory, 1);
    auto* auth = gst_rtsp_auth_new();
    if (tls) {
      auto* certificate =
          g_tls_certificate_new_from_files(file("server.pem").c_str(), file("server.key").c_str(), nullptr);
      ASSERT_NE(certificate, nullptr);
      gst_rtsp_auth_set_tls_certificate(auth, certificate);
      g_object_unref(certificate);
    }
    auto* token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", nullptr);
    if (password != nullptr) {
      gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
      gst_rtsp_auth_add_digest(auth, "viewer", password, token);
    } else {
      gst_rtsp_auth_set_default_token(auth, token);
    }
    gst_rtsp_token_unref(token);
    auto* role = gst_structure_new("viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, 1,
                                   GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, 1, nullptr);
    if (tls || password != nullptr) gst_rtsp_media_factory_add_role_from_structure(factory, role);
    gst_structure_free(role);
    if (tls || password != nullptr) gst_rtsp_server_set_auth(server_, auth);
    g_object_unref(auth);
    gst_rtsp_mount_points_add_factory(mounts, "/live", factory);
    g_object_unref(mounts);
    source_ = gst_rtsp_server_create_source(server_, nullptr, nullptr);
    ASSERT_NE(source_, nullptr);
    g_source_attach(source_, context_);
    port_ = gst_rtsp_server_get_bound_port(server_);
    thread_ = std::thread([this] {
      g_main_context_push_thread_default(context_);
      g_main_loop_run(loop_);
      g_main_context_pop_thread_default(context_);
    });
  }

  void TearDown() override {
    g_main_loop_quit(loop_);
    if (thread_.joinable()) thread_.join();
    if (source_ != nullptr) {
      g_source_destroy(source_);
      g_source_unref(source_);
    }
    if (server_ != nullptr) g_object_unref(server_);
    g_main_loop_unref(loop_);
    g_main_context_unref(context_);
  }

  std::string file(const char* name) const { return (folder_.path() / name).string(); }

  void make_certificate() {
    const auto result = run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                     "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                                     "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                                     file("server.key"), "-out", file("server.pem")});
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }

  CameraOptions options(const std::string& scheme, const std::string& user_info = "") const {
    CameraOptions result;
    result.source = scheme + "://" + user_info + "127.0.0.1:" + std::to_string(port_) + "/live";
    result.duration = std::chrono::seconds(1);
    return result;
  }

  struct Seen {
    std::size_t pictures = 0;
    std::size_t keyframes = 0;
    std::optional<Codec> codec;
    bool first_is_keyframe = false;
  };
  Result<Seen> see(CameraOptions camera_options) {
    CAM_TRY(auto camera, Camera::create(std::move(camera_options), clock_));
    Seen seen;
    CAM_TRY_STATUS(camera.run([&](const CapturedPicture& picture) {
      if (seen.pictures++ == 0) seen.first_is_keyframe = picture.keyframe;
      seen.keyframes += picture.keyframe ? 1u : 0u;
      seen.codec = picture.codec;
      return ok();
    }));
    return seen;
  }

  test_support::TemporaryFolder folder_;
  SystemClock clock_;
  GMainContext* context_ = nullptr;
  GMainLoop* loop_ = nullptr;
  GstRTSPServer* server_ = nullptr;
  GSource* source_ = nullptr;
  int port_ = 0;
  std::thread thread_;
};

constexpr const char* kH264 =
    "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! "
    "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 "
    "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 )";
constexpr const char* kH265 =
    "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! "
    "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=10 log-level=0 ! h265parse ! rtph265pay "
    "name=pay0 )";

TEST_F(RtspTest, PicturesOfNetworkCamerasAreTakenAsTheyAre) {
  serve(kH264, false);
  const auto seen = see(options("rtsp"));
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_EQ(seen->codec, Codec::h264);
  EXPECT_GE(seen->pictures, 20u);
  EXPECT_GE(seen->keyframes, 2u);
  EXPECT_TRUE(seen->first_is_keyframe);
}

TEST_F(RtspTest, H265PassesThroughAndCanBeEncodedAnew) {
  serve(kH265, false);
  const auto seen = see(options("rtsp"));
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_EQ(seen->codec, Codec::h265);
  EXPECT_GE(seen->pictures, 20u);
  auto other = options("rtsp");
  other.codec = Codec::h264;
  const auto encoded = see(std::move(other));
  ASSERT_TRUE(encoded) << encoded.error().what;
  EXPECT_EQ(encoded->codec, Codec::h264);
  EXPECT_GE(encoded->pictures, 20u);
}

TEST_F(RtspTest, CertificatesOfCamerasAreChecked) {
  make_certificate();
  serve(kH264, true);
  auto trusting = options("rtsps");
  trusting.ca_file = file("server.pem");
  const auto seen = see(std::move(trusting));
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_GE(seen->pictures, 20u);
  // The system's authorities do not know this one.
  const auto refused = see(options("rtsps"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable) << refused.error().what;
  auto no_file = options("rtsps");
  no_file.ca_file = file("none.pem");
  EXPECT_EQ(see(std::move(no_file)).error().code, Errc::usage);
}

TEST_F(RtspTest, PasswordsComeFromTheUrl) {
  serve(kH264, false, "op:en@1");
  const auto seen = see(options("rtsp", "viewer:op%3aen%401@"));
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_GE(seen->pictures, 20u);
  const auto wrong = see(options("rtsp", "viewer:guess@"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().what.find("guess"), std::string::npos) << wrong.error().what;
}

}  // namespace
}  // namespace camvault::camera
