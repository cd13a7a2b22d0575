// SPDX-License-Identifier: GPL-2.0-or-later
// Question: yes or no, from whoever sits before the program.
#pragma once

#include <string>

namespace butterfuse {

enum class Answer { yes, no };
enum class QuestionStream { output, error };  // where it is printed; the answer comes from standard input

// "QUESTION [y/N] ". Yes is y or yes in any case, with blanks around it. No is everything else: also the end
// of input, a signal (Interruption), and a question that nobody can see since it could not be printed.
Answer ask_on(QuestionStream stream, const std::string& question);

}  // namespace butterfuse
