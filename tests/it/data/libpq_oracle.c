/*
 * What libpq makes of connection strings; tests/it/harness/oracle.rs compiles and runs this.
 *
 *   oracle LIBPQ keywords   prints each keyword and its environment variable
 *   oracle LIBPQ parse      reads strings that end with a zero byte, and answers each:
 *                           "V", the number of values, and each name and value; or "E" and why
 *
 * Every word of an answer ends with a zero byte. The declarations stand here so that no libpq
 * headers are needed; they are those of the manual, chapter "Database Connection Control
 * Functions".
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
	char	   *keyword;
	char	   *envvar;
	char	   *compiled;
	char	   *val;
	char	   *label;
	char	   *dispchar;
	int			dispsize;
} option;

static void *
symbol(void *library, const char *name)
{
	void	   *found = dlsym(library, name);

	if (!found)
	{
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	return found;
}

static void
word(const char *text)
{
	fputs(text, stdout);
	putchar('\0');
}

int
main(int count, char **arguments)
{
	if (count != 3)
		return 64;
	void	   *library = dlopen(arguments[1], RTLD_NOW);

	if (!library)
	{
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	int			(*version) (void) = (int (*) (void)) symbol(library, "PQlibVersion");
	option	   *(*defaults) (void) = (option *(*) (void)) symbol(library, "PQconndefaults");
	option	   *(*parse) (const char *, char **) =
		(option *(*) (const char *, char **)) symbol(library, "PQconninfoParse");
	void		(*release) (option *) = (void (*) (option *)) symbol(library, "PQconninfoFree");

	printf("%d", version() / 10000);
	putchar('\0');
	if (strcmp(arguments[2], "keywords") == 0)
	{
		for (option *each = defaults(); each->keyword; each++)
		{
			word(each->keyword);
			word(each->envvar ? each->envvar : "");
		}
		return 0;
	}
	char	   *text = NULL;
	size_t		room = 0;

	while (getdelim(&text, &room, '\0', stdin) > 0)
	{
		char	   *why = NULL;
		option	   *all = parse(text, &why);

		if (!all)
		{
			word("E");
			word(why ? why : "");
			continue;
		}
		int			set = 0;

		for (option *each = all; each->keyword; each++)
			set += each->val != NULL;
		word("V");
		printf("%d", set);
		putchar('\0');
		for (option *each = all; each->keyword; each++)
			if (each->val)
			{
				word(each->keyword);
				word(each->val);
			}
		release(all);
	}
	return 0;
}
