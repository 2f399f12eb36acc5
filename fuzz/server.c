/* server: the input is a script for the complete server (script.h). */
#include "fuzz.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script_faults none = { 0 };
	uint8_t choice;
	str acts = fuzz_input(data, size, &choice);

	script_run(acts, choice, &none);
	return 0;
}
