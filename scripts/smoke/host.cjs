'use strict';

const OAuth = require('hapi-forum-oauth');
const smoke = require('./forum.cjs');

smoke(OAuth).then(() => console.log('A CommonJS host works.'));
