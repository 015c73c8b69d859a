import Joi from 'joi';

/** Schemes that browsers and operating systems handle themselves. */
const TAKEN =
    /^(about|blob|content|data|file|filesystem|ftp|https?|intent|javascript|mailto|ms-.*|search|search-ms|smb|sms|tel|vbscript|view-source|wss?|.*-extension)$/;

/** Private-use schemes without a period that redirect URIs of public clients may have. */
export const redirectSchemes = Joi.array()
    .items(
        Joi.string()
            .max(64)
            .pattern(/^[a-z][a-z0-9+.-]*$/, 'a scheme in lower case, without a colon')
            .pattern(TAKEN, { invert: true, name: 'a scheme of browsers and operating systems' })
    )
    .max(100)
    .unique()
    .default([]);
