/** Exit code after a failure of the program itself (`EX_SOFTWARE` of sysexits.h). */
export const EXIT_PROGRAM_FAILURE = 70
