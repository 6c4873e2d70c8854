#include "camvault/report/text.h"

#include <gtest/gtest.h>

namespace camvault::report {

TEST(Text, PlainTextStays) {
  EXPECT_EQ(printable("Kamera Nr. 7, Gebäude Ω, 東京 📷"), "Kamera Nr. 7, Gebäude Ω, 東京 📷");
  EXPECT_EQ(printable(""), "");
}

TEST(Text, ControlCharactersAreReplaced) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\xEF\xBF\xBD[31mb");
  EXPECT_EQ(printable("a\nb\rc\td\x7f"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD"
            "c\xEF\xBF\xBD"
            "d\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\xEF\xBF\xBD"
            "31m");  // CSI as one C1 character
  EXPECT_EQ(printable(std::string_view("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(Text, TextThatHidesOrTurnsIsReplaced) {
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "x"),
            "\xEF\xBF\xBD"
            "x");  // right-to-left override
  EXPECT_EQ(printable("\xE2\x81\xA6x\xE2\x80\x8B"),
            "\xEF\xBF\xBDx\xEF\xBF\xBD");                    // isolate, zero-width space
  EXPECT_EQ(printable("\xF3\xA0\x81\x81"), "\xEF\xBF\xBD");  // tag character
}

TEST(Text, BrokenUtf8IsReplacedByteByByte) {
  EXPECT_EQ(printable("\xff\xfe"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(printable("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // cut short
  EXPECT_EQ(printable("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80").size(), 12u);                          // above U+10FFFF
}

TEST(Text, LongTextIsCut) {
  EXPECT_EQ(printable("abcdef", 3), "abc\xE2\x80\xA6");
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable(std::string(1'000'000, 'x')).size(), kMaxShownText + 3);
}

TEST(Text, HtmlIsEscapedInTextAndAttributes) {
  EXPECT_EQ(html_escaped("<b a='1' c=\"2\">&`"), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;&#96;");
}

}  // namespace camvault::report
