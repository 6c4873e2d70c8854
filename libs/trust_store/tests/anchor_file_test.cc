// The form of an anchor's file: what is accepted, and the refused neighbour of each part of it.
#include <gtest/gtest.h>

#include "anchors.h"

namespace camvault::trust_store {
namespace {

using namespace test;

class AnchorFileTest : public testing::Test {
 protected:
  Result<Anchor> read(const std::string& text) {
    return read_anchor_file(*engine_, Kind::owner, as_bytes(text));
  }
  Errc refused(const std::string& text) {
    const auto anchor = read(text);
    EXPECT_FALSE(anchor) << text;
    return anchor ? Errc::internal : anchor.error().code;
  }

  std::unique_ptr<crypto::Engine> engine_ = crypto_openssl::make_openssl_engine();
  Anchor anchor_ = make_anchor("Acme root", Kind::owner);
  std::string pem_ = crypto_openssl::certificate_pem(anchor_.certificate);
  std::string text_ = write_anchor_file(anchor_, pem_);
};

TEST_F(AnchorFileTest, WhatIsWrittenIsRead) {
  const auto back = read(text_);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->kind, Kind::owner);
  EXPECT_EQ(back->label, "Acme root");
  EXPECT_EQ(back->added, anchor_.added);
  EXPECT_EQ(back->certificate.der, anchor_.certificate.der);
  // Any program that reads PEM can read it.
  EXPECT_EQ(engine_->certificates_from_pem(text_)->front().der, anchor_.certificate.der);
}

TEST_F(AnchorFileTest, EveryPartIsRequired) {
  EXPECT_EQ(refused(""), Errc::malformed);
  EXPECT_EQ(refused(pem_), Errc::malformed);
  EXPECT_EQ(refused("# Camvault trust anchor, version 2" + text_.substr(text_.find('\n'))),
            Errc::unsupported);
  for (std::size_t line = 0; line < 3; ++line) {
    auto lines = text_;
    std::size_t at = 0;
    for (std::size_t i = 0; i < line; ++i) at = lines.find('\n', at) + 1;
    lines.erase(at, lines.find('\n', at) + 1 - at);
    EXPECT_EQ(refused(lines), Errc::malformed);
  }
  EXPECT_EQ(refused(text_.substr(0, text_.size() - 1)), Errc::malformed);
  EXPECT_EQ(refused(text_ + "\n"), Errc::malformed);
}

TEST_F(AnchorFileTest, OneCertificateAndNothingElse) {
  EXPECT_NE(refused(text_ + pem_), Errc::internal);  // two anchors under one name
  EXPECT_EQ(refused(text_ + "-----BEGIN X509 CRL-----\nAAAA\n-----END CERTIFICATE-----\n"), Errc::malformed);
  auto damaged = text_;
  damaged[text_.size() / 2] = damaged[text_.size() / 2] == 'A' ? 'B' : 'A';
  const auto anchor = read(damaged);  // one changed character is another certificate, or none
  EXPECT_TRUE(!anchor || anchor->certificate.sha256 != anchor_.certificate.sha256);
  EXPECT_EQ(refused(text_ + std::string(kMaxAnchorFile, '#')), Errc::limit);
}

TEST_F(AnchorFileTest, LabelsAreOneLineOfText) {
  EXPECT_TRUE(is_label(""));
  EXPECT_TRUE(is_label("Gröna kameror, 監視"));
  EXPECT_TRUE(is_label(std::string(kMaxLabel, 'x')));
  EXPECT_FALSE(is_label(std::string(kMaxLabel + 1, 'x')));
  for (const auto* bad : {"a\nb", "a\tb", "\x1b[2J", "\x7f", "\xc2\x85", "\xff", "\xc3", "\xc0\xaf",
                          "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80"}) {
    EXPECT_FALSE(is_label(bad));
  }
}

TEST(Kinds, HaveNames) {
  for (const auto kind : {Kind::maker, Kind::owner, Kind::tsa})
    EXPECT_EQ(kind_from_string(to_string(kind)).value(), kind);
  for (const auto* other : {"", "makers", "Maker", "root"})
    EXPECT_EQ(kind_from_string(other).error().code, Errc::usage);
}

}  // namespace
}  // namespace camvault::trust_store
