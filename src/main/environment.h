/* environment.h: the environment is where containers put secrets, and it lies where every dump of
 * this process and everybody who may read /proc/PID/environ finds it. */
#ifndef MAIN_ENVIRONMENT_H
#define MAIN_ENVIRONMENT_H

/* Moves all variables into secret memory and overwrites their values where they were. getenv goes
 * on as before. Call once, before anybody keeps what getenv answered and before there are threads. */
void environment_hide(void);

#endif
