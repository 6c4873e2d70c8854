#include "https.h"

#include <gtest/gtest.h>

#include <map>

namespace camvault::cloud {
namespace {

// Nothing but 2xx takes a message out of the queue, and one message that is not wanted does not stop the
// others.
TEST(HttpsAnswers, EachStatus) {
  const std::map<int, Answer> exceptions = {
      {400, Answer::unclear}, {408, Answer::later}, {409, Answer::later},   {413, Answer::unfit},
      {415, Answer::unfit},   {421, Answer::later}, {422, Answer::unfit},   {423, Answer::later},
      {425, Answer::later},   {429, Answer::later}, {501, Answer::refused}, {505, Answer::refused}};
  for (int status = 200; status < 600; ++status) {
    const auto at = exceptions.find(status);
    const auto expected = at != exceptions.end() ? at->second
                          : status < 300         ? Answer::taken
                          : status < 500         ? Answer::refused
                                                 : Answer::later;
    EXPECT_EQ(judge(status), expected) << status;
  }
}

}  // namespace
}  // namespace camvault::cloud
