/* doctor_report.h: what the doctor saw, for people and (JSON) for programs, on stdout. */
#ifndef MAIN_DOCTOR_REPORT_H
#define MAIN_DOCTOR_REPORT_H

#include "main/doctor.h"

void doctor_report_begin(const struct doctor *d);
/* The line of a check that is done. */
void doctor_report_line(const struct doctor *d, unsigned check);
/* The findings and the count; all of it when it is JSON. Answers the exit code. */
int doctor_report_end(struct doctor *d, unsigned ms);

#endif
