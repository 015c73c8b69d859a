import tseslint from 'typescript-eslint';

export default tseslint.config(
    {
        ignores: [
            'dist/',
            'example/dist/',
            'scripts/smoke/host/*.{ts,mts}',
            '.data/',
            'coverage/',
            'bench/',
            '**/node_modules/'
        ]
    },
    {
        files: ['**/*.{ts,mts,cts}'],
        extends: [tseslint.configs.recommendedTypeChecked],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            eqeqeq: ['error', 'always', { null: 'ignore' }],
            // lab cannot reach every branch of what an enum or a namespace compiles to.
            'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'Use a union of literals.' }],
            '@typescript-eslint/consistent-type-imports': 'error',
            '@typescript-eslint/return-await': ['error', 'in-try-catch'],
            '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
            '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
            '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
            // hapi handlers and TypeORM hooks are async by contract, whether they await or not.
            '@typescript-eslint/require-await': 'off'
        }
    },
    {
        // Tests look into JSON answers, which are `any`.
        files: ['test/**/*.ts'],
        rules: {
            '@typescript-eslint/no-unsafe-argument': 'off',
            '@typescript-eslint/no-unsafe-assignment': 'off',
            '@typescript-eslint/no-unsafe-call': 'off',
            '@typescript-eslint/no-unsafe-member-access': 'off',
            '@typescript-eslint/no-unsafe-return': 'off'
        }
    },
    {
        files: ['**/*.{js,mjs,cjs}'],
        extends: [tseslint.configs.recommended],
        rules: {
            eqeqeq: ['error', 'always', { null: 'ignore' }],
            '@typescript-eslint/no-require-imports': 'off',
            '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }]
        }
    },
    {
        // lab's coverage parses compiled code with Babel and takes Babel's options from what ESLint would use for it.
        files: ['*.js'],
        languageOptions: { parserOptions: { requireConfigFile: false } }
    }
);
