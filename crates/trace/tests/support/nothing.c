/* Nothing: a library, or with MAIN a program. */
#ifdef MAIN
int main(void)
{
	return 0;
}
#endif
